/** The services of a prepared Swarm file, as Swarm is asked to run them. Pure. */
import { digest } from "../../text/digest.ts";
import { ComposeDocument, type ComposeNode, type Member } from "../document.ts";
import { grantsOf } from "../mounts.ts";
import { type ComposePort, portsOf } from "../ports.ts";
import { containerOf, type DeclaredContainer } from "./container.ts";
import { type Rollout, rolloutOf } from "./rollout.ts";

/** A label of each service with a fingerprint of what it was made from, its variables filled in: it proves which version runs. */
export const definitionLabel = "phoenix.definition";

export interface SwarmServiceSpec {
  readonly name: string;
  readonly image: string;
  /** Undefined for one task on each node that may run it. */
  readonly replicas: number | undefined;
  /** Its tasks end, and need not run again: a job, or a service that is not restarted. */
  readonly mayEnd: boolean;
  readonly ports: readonly SwarmPortSpec[];
  /** As Docker knows them, sorted. */
  readonly configs: readonly string[];
  readonly secrets: readonly string[];
  /** Variables with the values that the file gives them. */
  readonly environment: ReadonlyMap<string, string>;
  readonly container: DeclaredContainer;
  /** What it was made from, as a fingerprint. */
  readonly definition: string;
  /** The fingerprint that its file gives it as a label. */
  readonly label?: string;
  /** What its tasks are made from, as a text: another one replaces them. */
  readonly template: string;
  readonly rollout: Rollout;
}

export type SwarmPortSpec = Pick<ComposePort, "target" | "published" | "protocol"> & {
  readonly mode: string;
};

/** The services of a file; undefined for a text that is not a Compose file. @param project the stack's name */
export function swarmServices(
  text: string,
  variables: ReadonlyMap<string, string>,
  project: string,
): readonly SwarmServiceSpec[] | undefined {
  const document = new ComposeDocument(text, variables, project);
  if (!document.isValid || !document.services.isMapping) return undefined;
  return document.services.members.map((member) => specOf(document, member, project));
}

/** The fingerprint of each service's definition, by its name. */
export function definitionsOf(
  text: string,
  variables: ReadonlyMap<string, string>,
  project: string,
): ReadonlyMap<string, string> {
  const found = swarmServices(text, variables, project) ?? [];
  return new Map(found.map(({ name, definition }) => [name, definition]));
}

function specOf(document: ComposeDocument, { key: name, value }: Member, project: string): SwarmServiceSpec {
  const deploy = value.get("deploy");
  const mode = deploy.get("mode").text ?? "";
  const { labels, replicas, update_config, rollback_config, ...placed } = membersOf(plain(deploy));
  const { deploy: _, ...own } = membersOf(plain(value));
  const { [definitionLabel]: label, ...others } = pairs(labels);
  const parts = { replicas, update_config, rollback_config, labels: others };
  // Objects that a file declares have their names from its other sections.
  const named = Object.fromEntries(
    (["configs", "secrets", "networks", "volumes"] as const).map((section) => [
      section,
      plain(document.root.get(section)),
    ]),
  );
  const template = JSON.stringify(sorted({ ...own, deploy: placed, named: usedOf(named, own) }));
  return {
    name,
    image: value.get("image").text ?? "",
    replicas: mode.startsWith("global") ? undefined : Number(deploy.get("replicas").text ?? "1"),
    mayEnd: mode.endsWith("-job") || ["none", "on-failure"].includes(conditionOf(value)),
    ports: portsOf(value).ports.map(({ target, published, protocol, mode: how = "ingress" }) => ({
      target,
      protocol,
      mode: how,
      ...(published === undefined ? {} : { published }),
    })),
    configs: grantedNames(document, value, "configs", project),
    secrets: grantedNames(document, value, "secrets", project),
    environment: environmentOf(value.get("environment")),
    container: containerOf(value),
    definition: digest(JSON.stringify([template, sorted(parts)])),
    ...(label === undefined ? {} : { label: String(label) }),
    template,
    rollout: rolloutOf(value),
  };
}

/** `restart` counts where there is no policy; of both only the policy is documented. */
function conditionOf(service: ComposeNode): string {
  return service.get("deploy").get("restart_policy").get("condition").text ?? "any";
}

/** The entries of the file's sections that a service names, so that another one's do not count as a change of it. */
function usedOf(
  named: Readonly<Record<string, unknown>>,
  service: Readonly<Record<string, unknown>>,
): unknown {
  return Object.fromEntries(
    Object.entries(named).map(([section, entries]) => {
      const text = JSON.stringify(service[section] ?? null);
      const used = Object.entries(membersOf(entries)).filter(([key]) => text.includes(key));
      return [section, Object.fromEntries(used)];
    }),
  );
}

function grantedNames(
  { root }: ComposeDocument,
  service: ComposeNode,
  section: "configs" | "secrets",
  project: string,
): readonly string[] {
  return grantsOf(service, section)
    .map(({ source }) => root.get(section).get(source).get("name").text ?? `${project}_${source}`)
    .sort();
}

function environmentOf(environment: ComposeNode): ReadonlyMap<string, string> {
  const found = environment.isMapping
    ? environment.members.flatMap(({ key, value }): [string, string][] =>
        value.asVariable === undefined ? [] : [[key, value.asVariable]],
      )
    : environment.items.flatMap(({ text = "" }): [string, string][] => {
        const at = text.indexOf("=");
        return at < 0 ? [] : [[text.slice(0, at), text.slice(at + 1)]];
      });
  return new Map(found);
}

/** A value with its variables filled in. */
function plain(node: ComposeNode): unknown {
  if (node.isMapping) return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
  if (node.isList) return node.items.map(plain);
  return node.text ?? null;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function pairs(labels: unknown): Readonly<Record<string, unknown>> {
  if (!Array.isArray(labels)) return membersOf(labels);
  return Object.fromEntries(labels.map((label) => String(label).split(/=(.*)/s, 2)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}
