/** One service of a compose file. */
import { isMap, isScalar, type Node } from "yaml";
import type { FaultAt } from "../fault.ts";
import {
  type ComposeYaml,
  isNull,
  itemsOf,
  type Member,
  memberOf,
  membersOf,
  type Place,
  placeOf,
  resolved,
  textOf,
} from "./document.ts";
import type { ComposeLabel, ComposeService } from "./index.ts";
import { keyFaults, refused } from "./keys.ts";
import { portsOf } from "./ports.ts";

/** The names that a service may refer to. */
export interface DeclaredNames {
  readonly volumes: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
  readonly configs: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

export function readService(
  yaml: ComposeYaml,
  { key: name, place, value }: Member,
  declared: DeclaredNames,
): { readonly service: ComposeService; readonly faults: readonly FaultAt<Place>[] } {
  const members = membersOf(yaml, value) ?? [];
  const member = (key: string): Node | null => memberOf(members, key)?.value ?? null;
  const text = (key: string): string | undefined => textOf(yaml, member(key));
  const faults: FaultAt<Place>[] = [];
  if (resolved(yaml, value) !== null && !isMap(resolved(yaml, value)))
    faults.push({ message: `service ${name} must be a mapping`, place });
  faults.push(...keyFaults(members, "service", `service ${name}`));
  for (const key of ["build", "extends"]) {
    const found = memberOf(members, key);
    if (found !== undefined) faults.push(refused(key, found.place));
  }
  const image = text("image");
  const hasNone = image === undefined || (image === "" && !yaml.unfilled.has(member("image")));
  if (hasNone && memberOf(members, "build") === undefined)
    faults.push({ message: `service ${name} names no image`, place });

  const labels = labelsOf(yaml, member("labels"));
  const ports = portsOf(yaml, member("ports"));
  faults.push(...labels.faults, ...ports.faults, ...references(yaml, name, members, declared));
  const networkMode = text("network_mode");
  const containerName = text("container_name");
  const health = membersOf(yaml, member("healthcheck"));
  const deploy = membersOf(yaml, member("deploy")) ?? [];
  const replicas = textOf(yaml, memberOf(deploy, "replicas")?.value) ?? text("scale");
  return {
    service: {
      name,
      place,
      ...(image === undefined || image === "" ? {} : { image }),
      ...(containerName === undefined ? {} : { containerName }),
      ...(networkMode === undefined ? {} : { networkMode }),
      labels: labels.labels,
      // The network of the machine or of another container has no ports of its own.
      ports: networkMode === "host" || networkMode?.includes(":") ? [] : ports.ports,
      restart: (text("restart") ?? "no").split(":")[0] ?? "no",
      healthcheck: health !== undefined && textOf(yaml, memberOf(health, "disable")?.value) !== "true",
      profiles: itemsOf(yaml, member("profiles")).flatMap((each) => textOf(yaml, each) ?? []),
      replicas: replicas === undefined || !/^\d+$/.test(replicas) ? 1 : Number(replicas),
    },
    faults,
  };
}

/** Labels as a map or a list of key=value. */
function labelsOf(
  yaml: ComposeYaml,
  node: Node | null,
): { readonly labels: readonly ComposeLabel[]; readonly faults: readonly FaultAt<Place>[] } {
  const members = membersOf(yaml, node);
  if (members !== undefined)
    return {
      labels: members.map(({ key, place, value }) => ({ key, value: textOf(yaml, value) ?? "", place })),
      faults: [],
    };
  const labels = new Map<string, ComposeLabel>();
  const faults: FaultAt<Place>[] = [];
  for (const item of itemsOf(yaml, node)) {
    const place = placeOf(yaml, item);
    const [key = "", ...rest] = (textOf(yaml, item) ?? "").split("=");
    const value = rest.join("=");
    const before = labels.get(key);
    if (before !== undefined)
      faults.push({
        message: `label ${key} is given twice${before.value === value ? "" : ", with different values"}`,
        place,
        ...(before.value === value ? { severity: "warning" as const } : {}),
      });
    labels.set(key, { key, value, place });
  }
  return { labels: [...labels.values()], faults };
}

/** Names that the file does not declare: Compose refuses them. */
function references(
  yaml: ComposeYaml,
  name: string,
  members: readonly Member[],
  declared: DeclaredNames,
): readonly FaultAt<Place>[] {
  const value = (key: string): Node | null => memberOf(members, key)?.value ?? null;
  const used: { kind: keyof DeclaredNames; key: string; node: Node | null }[] = [
    ...named(yaml, value("networks")).map((each) => ({ kind: "networks" as const, ...each })),
    ...named(yaml, value("depends_on")).map((each) => ({ kind: "services" as const, ...each })),
    ...sources(yaml, value("configs")).map((each) => ({ kind: "configs" as const, ...each })),
    ...sources(yaml, value("secrets")).map((each) => ({ kind: "secrets" as const, ...each })),
    ...volumesOf(yaml, value("volumes")).map((each) => ({ kind: "volumes" as const, ...each })),
  ];
  return used
    .filter(({ kind, key }) => key !== "" && !declared[kind].has(key))
    .map(({ kind, key, node }) => ({
      message: `service ${name} refers to ${kind.replace(/s$/, "")} ${key}, which the file does not declare`,
      place: placeOf(yaml, node),
    }));
}

type Named = { readonly key: string; readonly node: Node | null };

/** A list of names, or the keys of a map. */
function named(yaml: ComposeYaml, node: Node | null): readonly Named[] {
  const members = membersOf(yaml, node);
  if (members !== undefined) return members.map(({ key }) => ({ key, node }));
  return itemsOf(yaml, node).map((item) => ({ key: textOf(yaml, item) ?? "", node: item }));
}

function sources(yaml: ComposeYaml, node: Node | null): readonly Named[] {
  return itemsOf(yaml, node).map((item) => ({
    key: isScalar(item)
      ? (textOf(yaml, item) ?? "")
      : (textOf(yaml, memberOf(membersOf(yaml, item) ?? [], "source")?.value) ?? ""),
    node: item,
  }));
}

/** Volumes by name; binds and volumes without a name refer to nothing. */
function volumesOf(yaml: ComposeYaml, node: Node | null): readonly Named[] {
  return itemsOf(yaml, node).flatMap((item) => {
    if (isScalar(item)) {
      const [source = "", target] = (textOf(yaml, item) ?? "").split(":");
      return target === undefined || isPath(source) ? [] : [{ key: source, node: item }];
    }
    const members = membersOf(yaml, item) ?? [];
    const text = (key: string): string => textOf(yaml, memberOf(members, key)?.value) ?? "";
    const source = memberOf(members, "source")?.value ?? null;
    return text("type") !== "volume" || isNull(source) ? [] : [{ key: text("source"), node: source }];
  });
}

/** Whether a volume's source is a path and no name. */
export function isPath(source: string): boolean {
  return /^[./~]/.test(source);
}
