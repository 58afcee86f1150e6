/** Whether two states of a resource say the same in another form: an order that does not matter, another layout. Pure. */
import type { StackFacts } from "../components/stacks/facts.ts";
import { isSameYaml } from "../formats/compose/merge.ts";
import { parseRule } from "../formats/pve-firewall/rule.ts";
import { canonicalJson, type Resource } from "../resource.ts";

const copy = "docker-compose.yml";

export function isSameMeaning(desired: Resource, live: Resource): boolean {
  if (desired.text === live.text) return true;
  if (desired.id === "dns/records" || desired.id === "dns/wildcards") return hasSameUnits(desired, live);
  if (/^firewall\/(?:rules$|group-)/.test(desired.id)) return isSameRules(desired.text, live.text);
  if (desired.id.startsWith("firewall/guest-")) return isOff(desired) && isOff(live);
  return desired.id.startsWith("stacks/") && isSameStack(desired, live);
}

function hasSameUnits(one: Resource, other: Resource): boolean {
  return canonicalJson(one.units) === canonicalJson(other.units);
}

/** Declared to be off, or switched off: nothing of the guest is filtered, whatever else its file says. */
function isOff({ units }: Resource): boolean {
  return units.filtered === "no" || units.enable !== "1";
}

/** The order matters where not all rules do the same. */
function isSameRules(one: string, other: string): boolean {
  const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
  const isAccepting = lines(one).every((line) => {
    const found = parseRule(line);
    return "rule" in found && found.rule.action === "ACCEPT";
  });
  return isAccepting && lines(one).toSorted().join("\n") === lines(other).toSorted().join("\n");
}

/** Portainer has the Compose file; the copy on the share follows it. */
function isSameStack(one: Resource, other: Resource): boolean {
  const [a, b] = [one, other].map(({ text }) => JSON.parse(text) as StackFacts);
  if (a === undefined || b === undefined || !isSameYaml(a.compose, b.compose)) return false;
  const rest = ({ compose: _, files, ...facts }: Omit<StackFacts, "id" | "host" | "sensitive">): string => {
    const { [copy]: __, ...others } = files;
    return canonicalJson({ ...facts, others });
  };
  return rest(a) === rest(b);
}
