/** What `docker stack deploy` (26.1.5) refuses in a Compose file: its schema is version 3.12, older and stricter than Compose's own. */
import { isMap, isScalar, type Node, type Pair } from "yaml";
import { numberIn } from "../../yaml/index.ts";
import { type ComposeDocument, type ComposeFault, type ComposeNode, isMerge, keyOf } from "../document.ts";
import { type Misfit, misfits, type Schema } from "../schema.ts";
import { nameOf, ownerOf, typesOf } from "../shapes.ts";
import type { Value } from "../typed.ts";
// From docker/cli 26.1.5 (Apache-2.0), without its formats.
import schema from "./stack-schema.json" with { type: "json" };

/** What does not have the shape that the client wants, and keys that are not text to its parser. */
export function stackShapeFaults(document: ComposeDocument): readonly ComposeFault[] {
  const { root } = document;
  const shapes = misfits(stackValue(document, root), schema as Schema).map(faultOf);
  return [...shapes, ...keyFaults(document, root.yaml, [])];
}

/** What YAML 1.1 reads as a boolean (go-yaml 2). */
const oldBoolean = /^(?:y|yes|on|n|no|off|true|false)$/i;

/** A value with the type that the client's parser gives it; one with a variable may have any. */
function stackValue(document: ComposeDocument, node: ComposeNode): Value {
  const none = { items: [], members: new Map(), at: node, isUnknown: node.isUnknown || node.hasVariables };
  if (node.isMapping) {
    const members = node.members.map(
      (member) => [member.key, { at: member, value: stackValue(document, member.value) }] as const,
    );
    return { ...none, type: "object", members: new Map(members) };
  }
  if (node.isList)
    return { ...none, type: "array", items: node.items.map((item) => stackValue(document, item)) };
  const { yaml } = node;
  if (!isScalar(yaml) || yaml.value === null) return { ...none, type: "null" };
  if (yaml.type === "PLAIN" && oldBoolean.test(yaml.source ?? ""))
    return { ...none, type: "boolean", simple: /^(?:y|yes|on|true)$/i.test(yaml.source ?? "") };
  const number = numberIn(yaml);
  return number === undefined
    ? { ...none, type: "string", simple: String(yaml.value) }
    : { ...none, type: "number", simple: number };
}

function faultOf(misfit: Misfit): ComposeFault {
  const { path, value, at } = misfit;
  const { place } = at;
  const written = value.simple;
  switch (misfit.fault) {
    case "type": {
      const quoted =
        written !== undefined && typeof written !== "string" && misfit.expected.includes("string");
      const unquoted =
        typeof written === "string" && misfit.expected.some((type) => ["integer", "number"].includes(type));
      const hint = quoted
        ? "quote it"
        : unquoted
          ? "write the number without quotes"
          : lists.get(path.at(-1) ?? "");
      const message = `docker stack deploy wants ${typesOf(misfit.expected)} as ${nameOf(path)}`;
      return { message, place, ...(hint === undefined ? {} : { hint }) };
    }
    case "unknown key":
    case "invalid name": {
      const key = path.at(-1) ?? "";
      const hint = instead.get(key);
      const message = `docker stack deploy refuses ${JSON.stringify(key)} in ${ownerOf(path)}`;
      return { message, place, ...(hint === undefined ? {} : { hint }) };
    }
    case "missing key":
      return { message: `${nameOf(path)} must have ${JSON.stringify(misfit.key)}`, place };
    case "repeated":
      // What is repeated may be a variable with its secret.
      return { message: `docker stack deploy refuses what is twice in ${ownerOf(path)}`, place };
    default:
      return { message: `docker stack deploy refuses ${JSON.stringify(written)} as ${nameOf(path)}`, place };
  }
}

const lists = new Map([
  ["depends_on", "write a list of names; a Swarm starts services in any order all the same"],
]);

const resources = (what: string): string => `set deploy.resources.limits.${what}`;

/** What to write instead of a key. */
const instead = new Map([
  ["name", "remove it: the stack has the name of its directory"],
  [
    "profiles",
    "remove it: every service of a Swarm's stack runs; set deploy.replicas to 0 for one that must not",
  ],
  ["pull_policy", "remove it: each member pulls what it does not have"],
  ["scale", "set deploy.replicas"],
  ["cpus", resources("cpus")],
  ["cpu_count", resources("cpus")],
  ["cpu_percent", resources("cpus")],
  ["cpu_quota", resources("cpus")],
  ["cpu_shares", resources("cpus")],
  ["cpuset", "remove it: set deploy.resources or deploy.placement"],
  ["mem_limit", resources("memory")],
  ["memswap_limit", resources("memory")],
  ["mem_reservation", "set deploy.resources.reservations.memory"],
  ["mem_swappiness", "remove it: a Swarm cannot set it"],
  ["pids_limit", resources("pids")],
  ["content", "write it into a file of the stack, and name the file"],
  ["environment", "write it into a file of the stack, and name the file"],
  ["volumes_from", "declare the volume under volumes, and mount it in both services"],
  ["group_add", "remove it: a Swarm cannot set it"],
  ["runtime", "remove it: a Swarm cannot set it"],
  ["platform", "set deploy.placement.constraints: node.platform.arch"],
  ["oom_kill_disable", "remove it: a Swarm cannot set it"],
  ["oom_score_adj", "remove it: a Swarm cannot set it"],
  ["gpus", "set deploy.resources.reservations.generic_resources"],
]);

/** The client's parser makes a boolean of `y` and a number of 12, and refuses both as keys, wherever they stand. */
function keyFaults(
  document: ComposeDocument,
  yaml: Node | null,
  path: readonly string[],
): readonly ComposeFault[] {
  const node = document.node(yaml);
  if (node.isList)
    return node.items.flatMap((item, at) => keyFaults(document, item.yaml, [...path, String(at)]));
  if (!isMap(yaml) || path.length > deepest) return [];
  return yaml.items.flatMap((pair) => {
    const key = keyOf(pair);
    const own = isMerge(pair) || !isOtherThanText(pair) ? [] : [keyFault(document, pair, key)];
    return [
      ...own,
      ...(isMerge(pair) ? [] : keyFaults(document, document.node(pair.value).yaml, [...path, key])),
    ];
  });
}

/** Nothing nests deeper; an alias within itself would never end. */
const deepest = 50;

function isOtherThanText({ key }: Pair): boolean {
  if (!isScalar(key) || key.type !== "PLAIN") return false;
  return numberIn(key) !== undefined || oldBoolean.test(key.source ?? "") || key.value === null;
}

function keyFault(document: ComposeDocument, { key }: Pair, name: string): ComposeFault {
  return {
    message: `docker stack deploy refuses the key ${name}: its parser does not take it for text`,
    place: document.placeOf(key),
    hint: `quote it: "${name}"`,
  };
}
