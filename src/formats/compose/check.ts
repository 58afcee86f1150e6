/**
 * Values that Compose, or Docker behind it, refuses (compose-go 2, distribution/reference): reported before a deployment
 * fails because of them. A value with a variable that cannot be filled in is not judged.
 */
import type { ComposeFault, ComposeNode, Member, Name, Place } from "./document.ts";

/** "none" and "any" are Swarm's words; Compose takes them for "no" and "always". */
const restarts = ["no", "none", "always", "any", "on-failure", "unless-stopped"];
const conditions = ["service_started", "service_healthy", "service_completed_successfully"];
const durations = ["interval", "timeout", "start_period", "start_interval"];

/** Go's notation, with days and weeks. */
const duration = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+)$/;

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const registry = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::\\d+)?`;
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
/** A reference to an image as Docker takes it: registry/repository:tag@digest, or the id of an image. */
export const imageReference = new RegExp(
  `^(?:sha256:[a-f0-9]{64}|(?:${registry}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][\\w+.-]*:[a-fA-F0-9]{32,})?)$`,
);

/** What Compose or Docker refuses in the values of services. */
export function valueFaults(services: readonly Member[]): readonly ComposeFault[] {
  return [
    ...services.flatMap((service) => [
      ...notationFaults(service),
      ...environmentFaults(service),
      ...networkFaults(service, services),
      ...conditionFaults(service),
    ]),
    ...nameClashes(services.filter(isAlwaysOn)),
    ...dependencyCycles(services.filter(isAlwaysOn)),
  ];
}

/** A service with profiles may never run, and not beside the others. */
function isAlwaysOn({ value }: Member): boolean {
  return value.member("profiles") === undefined;
}

/** A simple value that is there and is known. */
function known(node: ComposeNode): Name | undefined {
  const { text, place, isUnknown } = node;
  return text === undefined || text === "" || isUnknown ? undefined : { name: text, place };
}

function notationFaults({ key: service, value }: Member): readonly ComposeFault[] {
  const health = value.get("healthcheck");
  const checked: readonly (readonly [ComposeNode, (text: string) => boolean, what: string, hint: string])[] =
    [
      [
        value.get("restart"),
        (text) => restarts.includes(text.split(":")[0] ?? ""),
        "is not a valid restart policy",
        '"no", always, on-failure or unless-stopped',
      ],
      [
        value.get("image"),
        (text) => imageReference.test(text),
        "is not a valid image reference",
        "registry/repository:tag, the repository in lower case, without spaces",
      ],
      ...durations.map(
        (key) =>
          [
            health.get(key),
            (text: string) => duration.test(text),
            `is not a valid duration (${key} of the health check of ${service})`,
            "a number with its unit: 30s, 1m30s, 500ms",
          ] as const,
      ),
    ];
  return checked.flatMap(([node, isValid, what, hint]) => {
    const found = known(node);
    if (found === undefined || isValid(found.name)) return [];
    return [{ message: `${JSON.stringify(found.name)} ${what}`, place: found.place, hint }];
  });
}

function environmentFaults({ key, value }: Member): readonly ComposeFault[] {
  const environment = value.get("environment");
  if (!environment.isList) return [];
  return environment.items
    .filter((item) => item.isMapping || item.isList)
    .map(({ isMapping, place }) => ({
      message: `environment of ${key}: expected NAME=value, got a ${isMapping ? "mapping" : "list"}`,
      place,
      hint: isMapping ? 'write "NAME=value", or remove the "- " from every line' : "write NAME=value",
    }));
}

function networkFaults({ key, value }: Member, services: readonly Member[]): readonly ComposeFault[] {
  const mode = known(value.get("network_mode"));
  if (mode === undefined) return [];
  const faults: ComposeFault[] = [];
  const networks = value.member("networks");
  if (networks !== undefined && networks.value.names.length > 0)
    faults.push({
      message: `service ${key} has both network_mode and networks`,
      place: networks.place,
      hint: "remove one of them",
    });
  const other = serviceOfMode(mode);
  if (other !== undefined && !services.some((each) => each.key === other))
    faults.push({
      message: `service ${key} refers to service ${other}, which the file does not declare`,
      place: mode.place,
    });
  return faults;
}

/** The service whose network `network_mode: service:NAME` shares. */
function serviceOfMode(mode: Name | undefined): string | undefined {
  return /^service:(.*)$/.exec(mode?.name ?? "")?.[1];
}

function conditionFaults({ value }: Member): readonly ComposeFault[] {
  return value.get("depends_on").members.flatMap((dependency) => {
    const condition = known(dependency.value.get("condition"));
    if (condition === undefined || conditions.includes(condition.name)) return [];
    const message = `unknown condition ${JSON.stringify(condition.name)}`;
    return [{ message, place: condition.place, hint: `one of ${conditions.join(", ")}` }];
  });
}

/** Two containers of one name: Docker makes the first only. */
function nameClashes(services: readonly Member[]): readonly ComposeFault[] {
  const taken = new Map<string, string>();
  return services.flatMap(({ key, value }): readonly ComposeFault[] => {
    const wanted = known(value.get("container_name"));
    if (wanted === undefined) return [];
    const other = taken.get(wanted.name);
    taken.set(wanted.name, other ?? key);
    if (other === undefined) return [];
    const message = `the container of ${other} already has the name ${wanted.name}`;
    return [{ message, place: wanted.place, hint: "remove container_name, or give each its own" }];
  });
}

/** Services that wait for themselves, directly or through others; each cycle once, at the service that it begins with. */
function dependencyCycles(services: readonly Member[]): readonly ComposeFault[] {
  const needs = new Map(services.map(({ key, value }) => [key, neededBy(value)]));
  const faults: ComposeFault[] = [];
  const done = new Set<string>();
  /** The services on the way, in their order. */
  const path = new Set<string>();
  const visit = (name: string): void => {
    path.add(name);
    for (const { name: needed, place } of needs.get(name) ?? []) {
      if (path.has(needed)) faults.push(cycleFault([...path], needed, place));
      else if (!done.has(needed)) visit(needed);
    }
    path.delete(name);
    done.add(name);
  };
  for (const { key } of services) if (!done.has(key)) visit(key);
  return faults;
}

function cycleFault(path: readonly string[], needed: string, place: Place): ComposeFault {
  const cycle = path.slice(path.indexOf(needed));
  const message =
    cycle.length === 1
      ? `service ${needed} depends on itself`
      : `services depend on each other: ${[...cycle, needed].join(" -> ")}`;
  const hint = "remove one of these dependencies: Compose cannot tell which service to start first";
  return { message, place, hint };
}

/** The services that one is started after. */
function neededBy(service: ComposeNode): readonly Name[] {
  const needed = service.get("depends_on").names;
  const mode = known(service.get("network_mode"));
  const other = serviceOfMode(mode);
  if (mode === undefined || !other || needed.some(({ name }) => name === other)) return needed;
  return [...needed, { name: other, place: mode.place }];
}
