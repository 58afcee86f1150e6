/** Which failures a silent guest explains. Pure. */
import { type Check, isOwnFailure } from "../component.ts";
import type { Cause, ComponentResult } from "./plan.ts";

/** A failure that a guest's silence may explain: its own component is not the cause. */
export function mayBeExplained(check: Check): boolean {
  return check.status === "fail" && !isOwnFailure(check);
}

/** Everything that a check says. */
export function textOf({ claim, observed = "", hint = "" }: Check): string {
  return `${claim} ${observed} ${hint}`;
}

/** The failures that a component's reason is made of; none where it did not fail. */
export function reasonsOf({ outcome, reason }: ComponentResult): readonly string[] {
  return outcome === "failed" ? (reason?.split(";\n") ?? []) : [];
}

/** Whether a text names the machine: by its host name or by its address. */
export function speaksOf(text: string, { host, address }: Pick<Cause, "host" | "address">): boolean {
  return [host, address].some((name) => {
    if (name === undefined) return false;
    const at = text.indexOf(name);
    // "vm/31" is not "vm/311", nor 10.0.0.1 a part of 10.0.0.13.
    return at >= 0 && !/[\w.]/.test(text[at - 1] ?? "") && !/^(?:\d|\.\d)/.test(text.slice(at + name.length));
  });
}
