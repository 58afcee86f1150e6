/** One service of a Compose file. */
import { defined } from "../../defined.ts";
import { refused } from "./alternatives.ts";
import type { ComposeFault, ComposeNode, Member, Place } from "./document.ts";
import { grantsOf, mountsOf } from "./mounts.ts";
import { type ComposePort, portsOf } from "./ports.ts";
import { type Rollout, rolloutOf } from "./swarm/rollout.ts";

export interface ComposeLabel {
  readonly key: string;
  /** As the container gets it: `$$` is `$`, variables are filled in. */
  readonly value: string;
  readonly place: Place;
}

export interface ComposeService {
  readonly name: string;
  readonly place: Place;
  readonly image?: string;
  readonly containerName?: string;
  readonly networkMode?: string;
  readonly labels: readonly ComposeLabel[];
  /** Of `deploy`, which a Swarm gives to the service instead of its containers; absent without any. */
  readonly deployLabels?: readonly ComposeLabel[];
  readonly ports: readonly ComposePort[];
  /** "no", "always", "unless-stopped", "on-failure"; "no" unless given. */
  readonly restart: string;
  /** Whether the file gives it one; an image may bring its own. */
  readonly healthcheck: boolean;
  /** What its health check asks of the container itself over HTTP. */
  readonly asks?: HealthQuestion;
  /** It runs only when one of them is asked for (COMPOSE_PROFILES); without any it always runs. */
  readonly profiles: readonly string[];
  /** The number of its containers. */
  readonly replicas: number;
  /** A Swarm runs one of it on each node that may. */
  readonly isGlobal: boolean;
  /** How a Swarm replaces its tasks. */
  readonly rollout: Rollout;
}

export interface HealthQuestion {
  readonly path: string;
  /** In the container. */
  readonly port: number;
}

/** Sections whose entries a service may refer to. */
export const sections = ["services", "networks", "volumes", "configs", "secrets"] as const;

/** The names that a file declares, by section. */
export type DeclaredNames = Readonly<Record<(typeof sections)[number], ReadonlySet<string>>>;

export interface ReadService {
  readonly service: ComposeService;
  readonly faults: readonly ComposeFault[];
}

export function readService({ key: name, place, value }: Member, declared: DeclaredNames): ReadService {
  const text = (key: string): string | undefined => value.get(key).text;
  const faults: ComposeFault[] = [];
  for (const key of ["build", "extends"] as const) {
    const found = value.member(key);
    if (found !== undefined) faults.push(refused(key, found.place));
  }
  const hasImage = (text("image") ?? "") !== "" || value.get("image").isUnknown;
  if (value.isMapping && !hasImage && !["build", "provider"].some((key) => value.member(key)))
    faults.push({ message: `service ${name} has no image`, place });

  const labels = labelsOf(value.get("labels"));
  const deployLabels = labelsOf(value.get("deploy").get("labels")).labels;
  const ports = portsOf(value);
  faults.push(...labels.faults, ...ports.faults, ...references(name, value, declared));
  const networkMode = text("network_mode");
  const health = value.get("healthcheck");
  const replicas = value.get("deploy").get("replicas").text ?? text("scale") ?? "";
  const isChecked = health.isMapping && health.get("disable").text !== "true";
  const service = defined({
    name,
    place,
    image: text("image") || undefined,
    containerName: text("container_name"),
    networkMode,
    labels: labels.labels,
    deployLabels: deployLabels.length === 0 ? undefined : deployLabels,
    // The network of the machine or of another container has no ports of its own.
    ports: networkMode === "host" || networkMode?.includes(":") ? [] : ports.ports,
    restart: restartOf(text("restart")),
    healthcheck: isChecked,
    asks: isChecked ? questionOf(health.get("test")) : undefined,
    profiles: value.get("profiles").items.flatMap((profile) => profile.text ?? []),
    replicas: /^\d+$/.test(replicas) ? Number(replicas) : 1,
    isGlobal: value.get("deploy").get("mode").text === "global",
    rollout: rolloutOf(value),
  });
  return { service, faults };
}

/** The first address of the container itself in a health check's command: `wget -q --spider http://localhost:8080/up`. */
function questionOf(test: ComposeNode): HealthQuestion | undefined {
  const words = test.items.length > 0 ? test.items.map(({ text = "" }) => text) : [test.text ?? ""];
  const found = /\bhttp:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?(\/[^\s"'|;&)]*)?/.exec(
    words.join(" "),
  );
  if (found === null) return undefined;
  const [, port = "80", path = "/"] = found;
  return { path, port: Number(port) };
}

/** "none", "any" and no text are other words for the same (Compose 2.26 to 2.40). */
function restartOf(policy = "no"): string {
  const [name = ""] = policy.split(":");
  return name === "" || name === "none" ? "no" : name === "any" ? "always" : name;
}

/** Labels as a mapping or a list of key=value. */
function labelsOf(node: ComposeNode): {
  readonly labels: readonly ComposeLabel[];
  readonly faults: readonly ComposeFault[];
} {
  if (node.isMapping) {
    const labels = node.members.map(({ key, place, value }) => ({
      key,
      value: value.asVariable ?? "",
      place,
    }));
    return { labels, faults: [] };
  }
  const labels = new Map<string, ComposeLabel>();
  const faults: ComposeFault[] = [];
  for (const { text = "", place } of node.items) {
    const [key = "", ...rest] = text.split("=");
    if (labels.has(key))
      faults.push({
        message: `label ${key} is there twice: the last one counts`,
        place,
        severity: "warning",
      });
    labels.set(key, { key, value: rest.join("="), place });
  }
  return { labels: [...labels.values()], faults };
}

/** Names that the file does not declare: Compose refuses them. */
function references(name: string, service: ComposeNode, declared: DeclaredNames): readonly ComposeFault[] {
  const placed = ({ source, node }: { source: string; node: ComposeNode }) =>
    ({ name: source, place: node.place }) as const;
  const used = {
    networks: service.get("networks").names,
    services: [],
    configs: grantsOf(service, "configs").map(placed),
    secrets: grantsOf(service, "secrets").map(placed),
    volumes: mountsOf(service)
      .filter(({ type }) => type === "volume")
      .map(placed),
  };
  return sections.flatMap((section) =>
    used[section]
      .filter((each) => each.name !== "" && !declared[section].has(each.name))
      .map((each) => ({
        message: `service ${name} refers to ${section.slice(0, -1)} ${each.name}, which the file does not declare`,
        place: each.place,
      })),
  );
}
