/** The machines and the network that a call works on: real ones or a lab's, watched and limited as its options say. */
import { defined } from "../defined.ts";
import { describeHost } from "../fabric/guests.ts";
import type { Step } from "../hosts/decorators.ts";
import type { Decorator, World } from "../hosts/world.ts";
import type { Site } from "../model.ts";
import { clip } from "../render/layout.ts";
import { shortList } from "../render/words.ts";
import type { Call } from "./command.ts";
import type { Display } from "./display.ts";
import { loadLab } from "./lab-package.ts";

/** What commands may do: only read, or change as well. */
export type Access = "read" | "change";

export interface WorldOptions {
  readonly access: Access;
  readonly display: Display;
  readonly signal: AbortSignal;
  /** Declares which node of a cluster is "pve"; undefined where there is none yet. */
  readonly site: Site | undefined;
  /** Receives the steps that have started and not ended. */
  readonly unfinished?: Set<Step>;
}

export async function openWorld({ options }: Call, opened: WorldOptions): Promise<World> {
  const { access, display, signal, site, unfinished = new Set() } = opened;
  const { readOnly, traced, tracked } = await import("../hosts/decorators.ts");
  const trace = traced(({ host, what, result, durationMs }) =>
    display.say(`${host}: ${what}: ${result} (${durationMs} ms)`),
  );
  const decorators: readonly Decorator[] = [
    tracked(unfinished),
    ...(options.verbose ? [trace] : []),
    ...(access === "read" ? [readOnly] : []),
  ];
  const opening = {
    signal,
    decorators,
    ...defined({ declared: site?.hypervisor, parallel: options.parallel }),
  };
  if (options.lab !== undefined) {
    const { openLab } = await loadLab();
    return openLab(options.lab, opening);
  }
  const { openRealWorld } = await import("../hosts/open.ts");
  return openRealWorld({ ...opening, ...defined({ hypervisor: options.host }) });
}

/** The address that the operator's session comes from, as the node that was entered sees it; undefined on its own console. */
export async function operatorAddress(
  { options, terminal }: Call,
  world: World,
): Promise<string | undefined> {
  if (options.lab !== undefined) return undefined;
  if (options.host === undefined)
    return (terminal.env.SSH_CONNECTION ?? terminal.env.SSH_CLIENT)?.split(" ")[0];
  const entry = (await world.cluster())?.entry ?? "pve";
  const { stdout } = await world.host(entry).run({ argv: ["printenv", "SSH_CONNECTION"], effect: "read" });
  return stdout.trim().split(" ")[0] || undefined;
}

/** " while waiting for lxc/101 (gateway): nginx -t": what had not answered when the time was up; empty for nothing. */
export function waitedFor(unfinished: ReadonlySet<Step>, site: Site): string {
  const steps = [...unfinished].map(({ host, what }) =>
    clip(host === "network" ? what : `${describeHost(site, host)}: ${what}`, 60),
  );
  return steps.length === 0 ? "" : ` while waiting for ${shortList([...new Set(steps)], 3)}`;
}
