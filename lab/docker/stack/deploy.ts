/** `docker stack deploy` and `docker stack rm`, by requests to a manager's API (docker/cli 26.1). */
import type { YamlObject } from "../compose-values.ts";
import { isYamlObject } from "../compose-values.ts";
import { serviceSpec } from "./convert.ts";
import { warn } from "./ignored.ts";
import { imageIn, kept, resolved } from "./images.ts";
import {
  imageLabel,
  isExternal,
  labelsOf,
  membersOf,
  namespaceLabel,
  realName,
  type StackSource,
} from "./names.ts";
import { readStack } from "./read.ts";
import { StackError } from "./words.ts";

export interface Answer {
  readonly status: number;
  /** Parsed; undefined without one. */
  readonly body: unknown;
}

/** A request to the engine's API of a manager. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

export interface StackDeployment extends StackSource {
  readonly text: string;
  readonly prune: boolean;
  /** Whether images are looked up in their registries, as when a stack is made. */
  readonly resolveImages: boolean;
  /** Whether a registry knows the image. */
  readonly isKnownImage: (image: string) => boolean;
}

export interface StackOutcome {
  readonly exitCode: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** What was said until then is part of a failure. */
export async function deployStack(ask: Ask, deployment: StackDeployment): Promise<StackOutcome> {
  return outcomeOf(async (out, err) => {
    await requireManager(ask);
    if (!/^(?!-).+$/.test(deployment.name) || deployment.name.trim() === "")
      throw new StackError(`invalid stack name: ${JSON.stringify(deployment.name)}`);
    const document = readStack(deployment.text, deployment.variables);
    warn(document, err);
    err.push(...detached);
    if (deployment.prune) await prune(ask, deployment, document, out);
    await makeNetworks(ask, deployment, document, out);
    for (const kind of ["secret", "config"] as const) await makeObjects(ask, deployment, document, kind, out);
    const specs = membersOf(document, "services").map(([key, service]) =>
      serviceSpec(deployment, document, key, service),
    );
    const whole = [];
    for (const spec of specs) whole.push(await withReferences(ask, spec, deployment.name));
    await makeServices(ask, deployment, whole, out, err);
  });
}

/** Services first, then what they used. */
export async function removeStack(ask: Ask, name: string): Promise<StackOutcome> {
  return outcomeOf(async (out, err) => {
    let found = 0;
    let failed = false;
    for (const [kind, path] of [
      ["service", "/services"],
      ["secret", "/secrets"],
      ["config", "/configs"],
      ["network", "/networks"],
    ] as const)
      for (const object of await labelled(ask, path, name)) {
        const { id, called } = identityOf(object);
        found += 1;
        out.push(`Removing ${kind} ${called}`);
        const { status, body } = await ask("DELETE", `${path}/${id}`);
        if (status < 300) continue;
        failed = true;
        err.push(`Failed to remove ${kind} ${id}: Error response from daemon: ${messageIn(body)}`);
      }
    if (found === 0) err.push(`Nothing found in stack: ${name}`);
    if (failed) throw new StackError(`Failed to remove some resources from stack: ${name}`);
  });
}

async function outcomeOf(act: (out: string[], err: string[]) => Promise<void>): Promise<StackOutcome> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  try {
    await act(stdout, stderr);
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    return { exitCode: 1, stdout, stderr: [...stderr, error.message] };
  }
}

/** The client's own words, in small letters. @throws StackError */
async function requireManager(ask: Ask): Promise<void> {
  const { status, body } = await ask("GET", "/info");
  const swarm = status === 200 && isYamlObject(body) && isYamlObject(body.Swarm) ? body.Swarm : {};
  if (swarm.ControlAvailable === true) return;
  throw new StackError(
    'this node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again',
  );
}

/** What the command says since it has the option --detach. */
const detached = [
  "Since --detach=false was not specified, tasks will be created in the background.",
  "In a future release, --detach=false will become the default.",
];

async function labelled(ask: Ask, path: string, name: string): Promise<readonly YamlObject[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${namespaceLabel}=${name}`] }));
  const { status, body } = await ask("GET", `${path}?filters=${filters}`);
  if (status !== 200) throw new StackError(`Error response from daemon: ${messageIn(body)}`);
  return Array.isArray(body) ? body.filter(isYamlObject) : [];
}

function identityOf(object: YamlObject): { readonly id: string; readonly called: string } {
  const spec = isYamlObject(object.Spec) ? object.Spec : object;
  return { id: String(object.ID ?? object.Id ?? ""), called: String(spec.Name ?? "") };
}

function messageIn(body: unknown): string {
  return isYamlObject(body) ? String(body.message ?? "") : String(body ?? "");
}

async function prune(ask: Ask, source: StackSource, document: YamlObject, out: string[]): Promise<void> {
  const kept = membersOf(document, "services").map(([key]) => `${source.name}_${key}`);
  for (const service of await labelled(ask, "/services", source.name)) {
    const { id, called } = identityOf(service);
    if (kept.includes(called)) continue;
    out.push(`Removing service ${called}`);
    await ask("DELETE", `/services/${id}`);
  }
}

/** Networks that a service uses, and those that are there already stay. @throws StackError */
async function makeNetworks(
  ask: Ask,
  source: StackSource,
  document: YamlObject,
  out: string[],
): Promise<void> {
  const declared = new Map(membersOf(document, "networks"));
  const used = new Set(
    membersOf(document, "services").flatMap(([, { networks }]) =>
      networks === undefined
        ? ["default"]
        : isYamlObject(networks)
          ? Object.keys(networks)
          : (Array.isArray(networks) ? networks : []).map(String),
    ),
  );
  const wanted = [...used].map((key) => [key, declared.get(key) ?? {}] as const);
  for (const [key, network] of wanted) {
    if (!isExternal(network)) continue;
    const name = realName(source, key, network);
    if (["default", "bridge", "host", "none"].includes(name)) continue;
    const { status, body } = await ask("GET", `/networks/${encodeURIComponent(name)}`);
    if (status !== 200)
      throw new StackError(
        `network ${JSON.stringify(name)} is declared as external, but could not be found. You need to create a swarm-scoped network before the stack is deployed`,
      );
    const scope = isYamlObject(body) ? String(body.Scope ?? "") : "";
    if (scope !== "swarm")
      throw new StackError(
        `network ${JSON.stringify(name)} is declared as external, but it is not in the right scope: ${JSON.stringify(scope)} instead of "swarm"`,
      );
  }
  const there = (await labelled(ask, "/networks", source.name)).map((each) => identityOf(each).called);
  for (const [key, network] of wanted) {
    const name = realName(source, key, network);
    if (isExternal(network) || there.includes(name)) continue;
    out.push(`Creating network ${name}`);
    const answer = await ask("POST", "/networks/create", {
      Name: name,
      Driver: String(network.driver ?? "") || "overlay",
      Attachable: network.attachable === true,
      Internal: network.internal === true,
      Labels: labelsOf(network.labels, { [namespaceLabel]: source.name }),
      Options: network.driver_opts ?? {},
    });
    if (answer.status >= 300)
      throw new StackError(
        `failed to create network ${name}: Error response from daemon: ${messageIn(answer.body)}`,
      );
  }
}

/** Secrets and configs out of files. @throws StackError */
async function makeObjects(
  ask: Ask,
  source: StackSource,
  document: YamlObject,
  kind: "secret" | "config",
  out: string[],
): Promise<void> {
  for (const [key, object] of membersOf(document, `${kind}s`)) {
    if (isExternal(object)) continue;
    const path = `${source.directory}/${String(object.file ?? "").replace(/^\.\//, "")}`;
    const text = source.readFile(path);
    if (text === undefined) throw new StackError(`open ${path}: no such file or directory`);
    const Name = realName(source, key, object);
    const Data = Buffer.from(text).toString("base64");
    const Labels = labelsOf(object.labels, { [namespaceLabel]: source.name });
    const before = await ask("GET", `/${kind}s/${encodeURIComponent(Name)}`);
    if (before.status === 404) out.push(`Creating ${kind} ${Name}`);
    const { ID, Version } = (before.body ?? {}) as { ID?: string; Version?: { Index: number } };
    const answer =
      before.status === 404
        ? await ask("POST", `/${kind}s/create`, { Name, Data, Labels })
        : await ask("POST", `/${kind}s/${ID}/update?version=${Version?.Index}`, { Name, Data, Labels });
    if (answer.status >= 300)
      throw new StackError(
        `failed to ${before.status === 404 ? "create" : "update"} ${kind} ${Name}: Error response from daemon: ${messageIn(answer.body)}`,
      );
  }
}

/** Secrets and configs of a spec get their ids. @throws StackError */
async function withReferences(ask: Ask, spec: YamlObject, stack: string): Promise<YamlObject> {
  const template = spec.TaskTemplate as YamlObject;
  const container = { ...(template.ContainerSpec as YamlObject) };
  for (const [kind, list, id, name] of [
    ["secret", "Secrets", "SecretID", "SecretName"],
    ["config", "Configs", "ConfigID", "ConfigName"],
  ] as const) {
    const references = container[list];
    if (!Array.isArray(references)) continue;
    const found = [];
    for (const each of references as YamlObject[]) {
      const { status, body } = await ask("GET", `/${kind}s/${encodeURIComponent(String(each[name]))}`);
      if (status !== 200)
        throw new StackError(
          `service ${String(spec.Name).slice(stack.length + 1)}: ${kind} not found: ${String(each[name])}`,
        );
      found.push({ ...each, [id]: (body as YamlObject).ID });
    }
    container[list] = found;
  }
  return { ...spec, TaskTemplate: { ...template, ContainerSpec: container } };
}

/** @throws StackError with the first service that is refused; those before it are made */
async function makeServices(
  ask: Ask,
  { name: stack, resolveImages, isKnownImage }: StackDeployment,
  specs: readonly YamlObject[],
  out: string[],
  err: string[],
): Promise<void> {
  const there = new Map(
    (await labelled(ask, "/services", stack)).map((each) => [identityOf(each).called, each]),
  );
  for (const declared of specs) {
    const name = String(declared.Name);
    const before = there.get(name);
    const spec =
      resolveImages && isKnownImage(imageIn(declared)) ? resolved(declared) : kept(declared, before);
    const image = String((spec.Labels as YamlObject)[imageLabel] ?? "");
    if (resolveImages && image !== "" && !isKnownImage(image))
      err.push(
        `image ${image} could not be accessed on a registry to record`,
        `its digest. Each node will access ${image} independently,`,
        "possibly leading to different nodes running different",
        "versions of the image.",
        "",
      );
    out.push(
      before === undefined
        ? `Creating service ${name}`
        : `Updating service ${name} (id: ${identityOf(before).id})`,
    );
    const { status, body } =
      before === undefined
        ? await ask("POST", "/services/create", spec)
        : await ask("POST", updatePath(before), withForceUpdate(spec, before));
    if (status >= 300)
      throw new StackError(
        `failed to ${before === undefined ? "create" : "update"} service ${name}: Error response from daemon: ${messageIn(body)}`,
      );
  }
}

function updatePath(before: YamlObject): string {
  const { Index } = before.Version as { Index: number };
  return `/services/${identityOf(before).id}/update?version=${Index}`;
}

/** The command has no way to force an update, and keeps what one had forced. */
function withForceUpdate(spec: YamlObject, before: YamlObject): YamlObject {
  const { TaskTemplate = {} } = before.Spec as { TaskTemplate?: YamlObject };
  const template = spec.TaskTemplate as YamlObject;
  return { ...spec, TaskTemplate: { ...template, ForceUpdate: TaskTemplate.ForceUpdate ?? 0 } };
}
