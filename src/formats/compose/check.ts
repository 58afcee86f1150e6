/**
 * Values that Compose, or Docker behind it, refuses (compose-go 2, distribution/reference): told before a deployment fails of
 * them. What has a variable without a value in it is not judged.
 */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { FaultAt } from "../fault.ts";
import {
  type ComposeYaml,
  itemsOf,
  type Member,
  memberOf,
  membersOf,
  type Place,
  placeOf,
  resolved,
  textOf,
} from "./document.ts";

/** "none" and "any" are what swarms say; Compose takes them for "no" and "always". */
const restarts = ["no", "none", "always", "any", "on-failure", "unless-stopped"];
const conditions = ["service_started", "service_healthy", "service_completed_successfully"];
const durations = ["interval", "timeout", "start_period", "start_interval"];

/** Go's notation, with days and weeks. */
const duration = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+)$/;

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const registry = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::\\d+)?`;
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const image = new RegExp(
  `^(?:sha256:[a-f0-9]{64}|(?:${registry}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][\\w+.-]*:[a-fA-F0-9]{32,})?)$`,
);

/** Everything that is wrong with the values of services. */
export function valueFaults(yaml: ComposeYaml, services: readonly Member[]): readonly FaultAt<Place>[] {
  const read = services.map((member): Service => {
    const members = membersOf(yaml, member.value) ?? [];
    return { name: member.key, members, hasProfiles: memberOf(members, "profiles") !== undefined };
  });
  return [
    ...read.flatMap((service) => [
      ...wordFaults(yaml, service),
      ...environmentFaults(yaml, service),
      ...networkFaults(yaml, service, read),
      ...conditionFaults(yaml, service),
    ]),
    ...nameClashes(yaml, read),
    ...circles(yaml, read),
  ];
}

interface Service {
  readonly name: string;
  readonly members: readonly Member[];
  /** It may never run, and not beside the others. */
  readonly hasProfiles: boolean;
}

interface Value {
  readonly text: string;
  readonly place: Place;
}

/** A simple value that is there and is known. */
function valueAt(yaml: ComposeYaml, members: readonly Member[], key: string): Value | undefined {
  const node = memberOf(members, key)?.value ?? null;
  const text = textOf(yaml, node);
  if (text === undefined || text === "" || yaml.unfilled.has(resolved(yaml, node))) return undefined;
  return { text, place: placeOf(yaml, node) };
}

function wordFaults(yaml: ComposeYaml, { name, members }: Service): readonly FaultAt<Place>[] {
  const faults: FaultAt<Place>[] = [];
  const restart = valueAt(yaml, members, "restart");
  if (restart !== undefined && !restarts.includes(restart.text.split(":")[0] ?? ""))
    faults.push({
      message: `${JSON.stringify(restart.text)} is no restart policy`,
      place: restart.place,
      hint: '"no", always, on-failure or unless-stopped',
    });
  const reference = valueAt(yaml, members, "image");
  if (reference !== undefined && !image.test(reference.text))
    faults.push({
      message: `${JSON.stringify(reference.text)} is no reference to an image`,
      place: reference.place,
      hint: "registry/repository:tag, the repository in lower case and nothing with blanks",
    });
  const health = membersOf(yaml, memberOf(members, "healthcheck")?.value) ?? [];
  for (const key of durations) {
    const value = valueAt(yaml, health, key);
    if (value !== undefined && !duration.test(value.text))
      faults.push({
        message: `${key} of the health check of ${name}: ${JSON.stringify(value.text)} is no duration`,
        place: value.place,
        hint: "a number with its unit: 30s, 1m30s, 500ms",
      });
  }
  return faults;
}

function environmentFaults(yaml: ComposeYaml, { name, members }: Service): readonly FaultAt<Place>[] {
  const list = resolved(yaml, memberOf(members, "environment")?.value);
  if (!isSeq(list)) return [];
  return itemsOf(yaml, list)
    .filter((item) => !isScalar(item))
    .map((item) => ({
      message: `environment of ${name}: an item of a list is text, NAME=value`,
      place: placeOf(yaml, item),
      hint: isMap(item) ? 'write "NAME=value", or leave the "- " away from all of them' : "write NAME=value",
    }));
}

function networkFaults(
  yaml: ComposeYaml,
  { name, members }: Service,
  services: readonly Service[],
): readonly FaultAt<Place>[] {
  const mode = valueAt(yaml, members, "network_mode");
  if (mode === undefined) return [];
  const faults: FaultAt<Place>[] = [];
  const networks = memberOf(members, "networks");
  if (networks !== undefined && [...namesIn(yaml, networks.value)].length > 0)
    faults.push({
      message: `service ${name} has both network_mode and networks`,
      place: networks.place,
      hint: "leave one of them out",
    });
  const other = /^service:(.*)$/.exec(mode.text)?.[1];
  if (other !== undefined && !services.some((each) => each.name === other))
    faults.push({
      message: `service ${name} refers to service ${other}, which the file does not declare`,
      place: mode.place,
    });
  return faults;
}

function conditionFaults(yaml: ComposeYaml, { members }: Service): readonly FaultAt<Place>[] {
  return (membersOf(yaml, memberOf(members, "depends_on")?.value) ?? []).flatMap(({ value }) => {
    const condition = valueAt(yaml, membersOf(yaml, value) ?? [], "condition");
    if (condition === undefined || conditions.includes(condition.text)) return [];
    return [
      {
        message: `${JSON.stringify(condition.text)} is no condition to wait for`,
        place: condition.place,
        hint: `one of ${conditions.join(", ")}`,
      },
    ];
  });
}

/** Two containers of one name: Docker makes the first only. */
function nameClashes(yaml: ComposeYaml, services: readonly Service[]): readonly FaultAt<Place>[] {
  const taken = new Map<string, string>();
  return services.flatMap(({ name, members, hasProfiles }): readonly FaultAt<Place>[] => {
    const wanted = valueAt(yaml, members, "container_name");
    if (wanted === undefined || hasProfiles) return [];
    const other = taken.get(wanted.text);
    taken.set(wanted.text, other ?? name);
    if (other === undefined) return [];
    const message = `the container of ${other} is called ${wanted.text} already`;
    return [{ message, place: wanted.place, hint: "leave container_name out, or give each its own" }];
  });
}

/** Services that wait for themselves, over others or at once; each circle once, at the service that it begins with. */
function circles(yaml: ComposeYaml, services: readonly Service[]): readonly FaultAt<Place>[] {
  const needs = new Map(
    services.flatMap(({ name, members, hasProfiles }) =>
      hasProfiles ? [] : [[name, neededBy(yaml, members)] as const],
    ),
  );
  const told = new Set<string>();
  const done = new Set<string>();
  const faults: FaultAt<Place>[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    for (const [needed, place] of needs.get(name) ?? []) {
      const at = [...path, name].indexOf(needed);
      if (at >= 0) {
        const circle = [...path, name].slice(at);
        const key = [...circle].sort().join(" ");
        if (!told.has(key))
          faults.push({
            message:
              circle.length === 1
                ? `service ${name} depends on itself`
                : `services wait for each other: ${[...circle, needed].join(", ")}`,
            place,
            hint: "Compose would not know which to start first: take one of the dependencies away",
          });
        told.add(key);
      } else if (!done.has(needed)) visit(needed, [...path, name]);
    }
    done.add(name);
  };
  for (const { name } of services) if (!done.has(name)) visit(name, []);
  return faults;
}

/** The services that one is started after, each with the place that says so. */
function neededBy(yaml: ComposeYaml, members: readonly Member[]): ReadonlyMap<string, Place> {
  const needed = new Map(namesIn(yaml, memberOf(members, "depends_on")?.value ?? null));
  const mode = valueAt(yaml, members, "network_mode");
  const other = /^service:(.+)$/.exec(mode?.text ?? "")?.[1];
  if (mode !== undefined && other !== undefined && !needed.has(other)) needed.set(other, mode.place);
  return needed;
}

/** A list of names, or the keys of a mapping. */
function namesIn(yaml: ComposeYaml, node: Node | null): readonly (readonly [string, Place])[] {
  const members = membersOf(yaml, node);
  if (members !== undefined) return members.map(({ key, place }) => [key, place] as const);
  return itemsOf(yaml, node).map((item) => [textOf(yaml, item) ?? "", placeOf(yaml, item)] as const);
}
