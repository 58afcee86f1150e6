/** What Compose refuses in a project as a whole: services that contradict themselves, or refer to what is not there (compose-go 2.9.1). */
import { known } from "./check.ts";
import type { ComposeDocument, ComposeFault, ComposeNode, Member, Name, Place } from "./document.ts";
import { mountsOf } from "./mounts.ts";

/** What is inconsistent in the services that Compose runs, and in the objects that they use. */
export function consistencyFaults(document: ComposeDocument): readonly ComposeFault[] {
  const all = document.services.members;
  const services = all.filter(({ value }) => document.isEnabled(value));
  const has = (members: readonly Member[]) => new Set(members.map(({ key }) => key));
  const [enabled, declared] = [has(services), has(all)];
  return [
    ...services.flatMap((service) => [
      ...networkFaults(service),
      ...neededFaults(service, enabled, declared),
      ...distinctFaults(service),
      ...replicaFaults(service),
      ...targetFaults(service),
      ...modelFaults(service, document.root.get("models")),
    ]),
    ...nameClashes(services),
    ...dependencyCycles(services),
    ...sourceFaults(document.root.get("secrets"), ["file", "environment"]),
    ...sourceFaults(document.root.get("configs"), ["file", "environment", "content"]),
    ...externalFaults(document.root.get("volumes")),
  ];
}

function networkFaults({ key, value }: Member): readonly ComposeFault[] {
  const networks = value.member("networks");
  if (known(value.get("network_mode")) === undefined || (networks?.value.names.length ?? 0) === 0) return [];
  const message = `service ${key} has both network_mode and networks`;
  return [{ message, place: networks?.place ?? value.place, hint: "remove one of them" }];
}

interface Needed extends Name {
  /** Whether the other service must be there: `depends_on` may say that it need not. */
  readonly required: boolean;
}

/** The services that one is started after, by every key that names one. */
function neededBy(service: ComposeNode): readonly Needed[] {
  const dependencies = service.get("depends_on");
  const listed = dependencies.isMapping
    ? dependencies.members.map(({ key, place, value }) => {
        return { name: key, place, required: value.get("required").text !== "false" };
      })
    : dependencies.names.map((each) => ({ ...each, required: true }));
  const links = service
    .get("links")
    .names.map(({ name, place }) => ({ name: name.split(":")[0] ?? "", place }));
  const sources = service
    .get("volumes_from")
    .names.filter(({ name }) => !name.startsWith("container:"))
    .map(({ name, place }) => ({ name: name.split(":")[0] ?? "", place }));
  const modes = ["network_mode", "ipc", "pid", "uts", "cgroup"].flatMap((key) => {
    const mode = known(service.get(key));
    const other = /^service:(.*)$/.exec(mode?.name ?? "")?.[1];
    return mode === undefined || other === undefined ? [] : [{ name: other, place: mode.place }];
  });
  const implied = [...links, ...sources, ...modes].map((each) => ({ ...each, required: true }));
  const seen = new Set<string>();
  return [...listed, ...implied].filter(({ name }) => name !== "" && !seen.has(name) && seen.add(name));
}

function neededFaults(
  { key, value }: Member,
  enabled: ReadonlySet<string>,
  declared: ReadonlySet<string>,
): readonly ComposeFault[] {
  return neededBy(value).flatMap(({ name, place, required }): readonly ComposeFault[] => {
    if (enabled.has(name)) return [];
    if (!declared.has(name))
      return [
        { message: `service ${key} refers to service ${name}, which the file does not declare`, place },
      ];
    if (!required) return [];
    const message = `service ${key} needs service ${name}, whose profile is off`;
    return [
      { message, place, hint: `ask for its profile with COMPOSE_PROFILES, or remove "profiles" of ${name}` },
    ];
  });
}

/** Two keys that say the same differently. */
function distinctFaults({ value }: Member): readonly ComposeFault[] {
  const deploy = value.get("deploy");
  const { limits, reservations } = {
    limits: deploy.get("resources").get("limits"),
    reservations: deploy.get("resources").get("reservations"),
  };
  const pairs = [
    ["scale", "replicas", deploy.get("replicas")],
    ["cpus", "cpus", limits.get("cpus")],
    ["mem_limit", "memory", limits.get("memory")],
    ["mem_reservation", "memory", reservations.get("memory")],
    ["pids_limit", "pids", limits.get("pids")],
  ] as const;
  return pairs.flatMap(([key, other, node]): readonly ComposeFault[] => {
    const [one, two] = [known(value.get(key)), known(node)];
    if (one === undefined || two === undefined || amount(one.name) === amount(two.name)) return [];
    return [
      {
        message: `${JSON.stringify(key)} and ${JSON.stringify(other)} below "deploy" differ`,
        place: one.place,
      },
    ];
  });
}

/** A number, or a size in bytes; the text itself where it is neither. */
function amount(text: string): number | string {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  return digits === undefined ? text : Number(digits) * 1024 ** " kmgtp".indexOf(unit.toLowerCase() || " ");
}

function replicaFaults({ value }: Member): readonly ComposeFault[] {
  const wanted = known(value.get("scale")) ?? known(value.get("deploy").get("replicas"));
  const count = Number(wanted?.name ?? 1);
  const name = value.member("container_name");
  const faults: ComposeFault[] = [];
  if (wanted !== undefined && count < 0)
    faults.push({ message: "a number of containers must be 0 or more", place: wanted.place });
  if (name !== undefined && count > 1)
    faults.push({
      message: `${count} containers cannot all have the name ${name.value.text}`,
      place: name.place,
      hint: "remove container_name",
    });
  return faults;
}

function modelFaults({ key, value }: Member, models: ComposeNode): readonly ComposeFault[] {
  return value
    .get("models")
    .names.filter(({ name }) => models.member(name) === undefined)
    .map(({ name, place }) => ({
      message: `service ${key} refers to model ${name}, which the file does not declare`,
      place,
    }));
}

/** Two mounts at one place. */
function targetFaults({ value }: Member): readonly ComposeFault[] {
  const tmpfs = value.get("tmpfs").items.map((node) => ({ target: node.text?.split(":")[0] ?? "", node }));
  const seen = new Map<string, string>();
  return [...tmpfs, ...mountsOf(value)].flatMap(({ target, node }): readonly ComposeFault[] => {
    const written = node.text ?? "";
    const before = seen.get(target);
    seen.set(target, written);
    // Compose itself takes the last of two `volumes` with one target; beside a tmpfs it refuses.
    return target === "" || before === undefined || !isBesideTmpfs(value, target)
      ? []
      : [{ message: `something is mounted at ${target} already`, place: node.place }];
  });
}

function isBesideTmpfs(service: ComposeNode, target: string): boolean {
  return service.get("tmpfs").items.some(({ text = "" }) => text.split(":")[0] === target);
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

/** A secret or config has its content from exactly one place. */
function sourceFaults(section: ComposeNode, sources: readonly string[]): readonly ComposeFault[] {
  return section.members.flatMap(({ key, place, value }): readonly ComposeFault[] => {
    if (!value.isMapping || value.member("external") !== undefined) return [];
    const given = sources.flatMap((source) => value.member(source) ?? []);
    const all = sources.join(", ");
    const [, second] = given;
    if (second !== undefined)
      return [
        {
          message: `${key} has its content from two places`,
          place: second.place,
          hint: `keep one of ${all}`,
        },
      ];
    if (given.length > 0 || value.member("driver") !== undefined) return [];
    return [{ message: `${key} has no content`, place, hint: `give it one of ${all}` }];
  });
}

/** Compose does not make an external volume, so nothing can be said about how. */
function externalFaults(volumes: ComposeNode): readonly ComposeFault[] {
  return volumes.members.flatMap(({ key, value }) => {
    const external = value.get("external");
    if (!external.isMapping && !/^(?:true|yes|on|y)$/i.test(external.text ?? "")) return [];
    const isNamedTwice = external.get("name").text !== undefined && value.get("name").text !== undefined;
    return value.members
      .filter(({ key: other }) => !["external", "name"].includes(other) && !other.startsWith("x-"))
      .map(({ key: other, place }) => ({
        message: `the external volume ${key} cannot have ${JSON.stringify(other)}`,
        place,
      }))
      .concat(
        isNamedTwice
          ? [{ message: `the external volume ${key} has two names`, place: value.get("name").place }]
          : [],
      );
  });
}
