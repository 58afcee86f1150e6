/** What packets notice: policies and switches that tighten, rules that go, rules that refuse. Pure. */
import type { Impact, Io } from "../../component.ts";
import { nodesOf } from "../../fabric/nodes.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, diffUnits, subjectOf, type UnitChange } from "../../resource.ts";
import { isService } from "./compile.ts";

const refuses = /^(IN|OUT|FORWARD) (DROP|REJECT)\b/;
const accepts = /^(IN|OUT|FORWARD) ACCEPT\b/;

export async function impact(changes: readonly Change[], { site }: Pick<Io, "site">): Promise<Impact> {
  const filtered = changes.filter(isSwitchedOn).map((change) => nameOf(change).replace("guest-", ""));
  const own = changes.flatMap((change) => diffUnits(change).flatMap((unit) => noticeOf(change, unit)));
  const files = changes.filter((change) => !isService(subjectOf(change).id));
  const switched =
    filtered.length === 0
      ? []
      : [
          `${filtered.join(", ")} ${filtered.length === 1 ? "is" : "are"} filtered: what no rule accepts is dropped`,
        ];
  const nodes = files.length === 0 ? [] : nodesOf(site).filter(({ online }) => online);
  const activations = nodes.map(({ host }) => ({ kind: "reload" as const, unit: "pve-firewall", host }));
  return mergedImpacts([{ ...noImpact, notices: [...own, ...switched], activations }]);
}

/** A guest whose traffic was not filtered before. */
function isSwitchedOn(change: Change): boolean {
  if (!nameOf(change).startsWith("guest-") || change.verb === "delete") return false;
  const before = change.verb === "create" ? undefined : change.live.units.enable;
  return change.desired.units.enable === "1" && before !== "1";
}

function noticeOf(change: Change, unit: UnitChange): readonly string[] {
  const name = nameOf(change);
  const before = unit.verb === "create" ? undefined : unit.before;
  const after = unit.verb === "delete" ? undefined : unit.after;
  const of = name === "options" ? "" : ` of ${name.replace("guest-", "")}`;
  switch (unit.unit) {
    case "enable":
      if (name === "options" && after === "1") return ["the firewall is switched on"];
      return before === "1" ? [`the firewall${of} is switched off`] : [];
    case "filtered":
      return [];
    case "policy_in":
    case "policy_out":
    case "policy_forward":
      // Proxmox's default for what comes in is DROP, for the rest ACCEPT. The switch itself is told apart.
      return after === "ACCEPT" || before === after || isSwitchedOn(change)
        ? []
        : [`${unit.unit}${of}: ${before ?? "not set"} -> ${after ?? "not set"}`];
    default:
      return ruleNotice(unit, name);
  }
}

function ruleNotice({ verb, unit }: UnitChange, name: string): readonly string[] {
  if (verb === "create" && refuses.test(unit)) return [`${name} refuses more: ${unit}`];
  if (verb === "delete" && accepts.test(unit)) return [`${name} no longer accepts: ${unit}`];
  return [];
}

function nameOf(change: Change): string {
  return subjectOf(change).id.slice("firewall/".length);
}
