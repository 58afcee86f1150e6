/**
 * The compose file of the Portainer server: the declared one with what Phoenix adds to it. Edited as a document, so that
 * comments and everything else stay as they were written. Pure.
 */
import { createHash } from "node:crypto";
import { type Document, isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from "yaml";
import { splitWords } from "../shell/hook.ts";
import { parseYaml, yamlText } from "../yaml/index.ts";

export interface ServerAdditions {
  /** Absolute paths on the machine that runs it. */
  readonly certPath: string;
  readonly keyPath: string;
  readonly environmentFile: string;
  /** For `--admin-password-file`; absent when the administrator has another name than that option gives it. */
  readonly passwordFile?: string;
  /** The port of the machine that leads to the user interface and API. */
  readonly port: number;
  /** The compose project's name. */
  readonly project: string;
}

export interface ServerCompose {
  readonly text: string;
  readonly service: string;
  readonly container: string;
  readonly image: string;
  /** Changes when anything in the file does; the container has it as its label. */
  readonly definition: string;
  /** Volumes that must be there first, by the names that Docker knows them by. `data` holds Portainer's own data. */
  readonly external: readonly { readonly name: string; readonly data: boolean }[];
}

export const definitionLabel = "phoenix.definition";

/** Where the container sees what is mounted for it. */
const inside = {
  certificates: "/phoenix/certs",
  keys: "/phoenix/keys",
  password: "/phoenix/admin-password",
} as const;

/**
 * Options that are ours. `--tlscert` and its like concern the connection to Docker, not the user interface, and mean
 * nothing with a socket; they are often mistaken for `--sslcert` (2.19 to 2.45).
 */
const ownOptions = ["--sslcert", "--sslkey", "--admin-password", "--admin-password-file"];
const mistakenOptions = ["--tlsverify", "--tlsskipverify", "--tlscacert", "--tlscert", "--tlskey"];
const withoutValue = ["--tlsverify", "--tlsskipverify"];

/** The port inside that serves HTTPS. */
const httpsPort = 9443;

/** `fault` says in what way the text is no compose file of a Portainer server. */
export function portainerCompose(
  text: string,
  additions: ServerAdditions,
): { readonly compose: ServerCompose } | { readonly fault: string } {
  const document = parseYaml(text);
  const [error] = document.errors;
  if (error !== undefined) return { fault: error.message };
  const services = document.get("services");
  if (!isMap(services)) return { fault: "it declares no services" };
  const name = serverName(services);
  if (name === undefined) return { fault: "none of its services runs an image of Portainer's server" };
  const service = services.get(name);
  if (!isMap(service)) return { fault: `services.${name} is no mapping` };

  setCommand(document, service, additions);
  addMounts(document, service, additions);
  addEnvironmentFile(document, service, additions.environmentFile);
  publish(document, service, additions.port);
  const definition = createHash("sha256").update(yamlText(document)).digest("hex").slice(0, 16);
  addLabel(document, service, definition);
  return {
    compose: {
      text: yamlText(document),
      service: name,
      container: containerOf(service, name, additions.project),
      image: String(service.get("image")),
      definition,
      external: externalVolumes(document, service),
    },
  };
}

/** The container that a project's server runs in; undefined when nothing in the text is one. */
export function serverContainer(text: string, project: string): string | undefined {
  const services = parseYaml(text).get("services");
  const name = isMap(services) ? serverName(services) : undefined;
  const service = isMap(services) && name !== undefined ? services.get(name) : undefined;
  if (!isMap(service)) return undefined;
  return containerOf(service, name ?? "", project);
}

function containerOf(service: YAMLMap, name: string, project: string): string {
  const container = service.get("container_name");
  return typeof container === "string" ? container : `${project}-${name}-1`;
}

/** The definition that a compose file of ours carries; "" for any other text. */
export function definitionIn(text: string): string {
  return new RegExp(`${definitionLabel.replace(".", "\\.")}(?:=|: ?)"?([0-9a-f]{16})`).exec(text)?.[1] ?? "";
}

function serverName(services: YAMLMap): string | undefined {
  const names = services.items.map(({ key }) => String(isScalar(key) ? key.value : key));
  return names.find((name) => {
    const image = services.getIn([name, "image"]);
    return typeof image === "string" && /(^|\/)portainer\/portainer(-ce|-ee)?([:@]|$)/.test(image);
  });
}

function setCommand(document: Document, service: YAMLMap, additions: ServerAdditions): void {
  const declared = service.get("command");
  const words = isSeq(declared)
    ? declared.items.map((item) => String(isScalar(item) ? item.value : item))
    : splitWords(typeof declared === "string" ? declared : "").words;
  const tcp = words.some((word) => word.startsWith("tcp://") || /^(-H|--host)=?tcp:/.test(word));
  const unwanted = tcp ? ownOptions : [...ownOptions, ...mistakenOptions];
  const command = [...without(words, unwanted)];
  const { certificate, key } = placesOf(additions);
  command.push("--sslcert", certificate, "--sslkey", key);
  if (additions.passwordFile !== undefined) command.push("--admin-password-file", inside.password);
  service.set("command", document.createNode(command));
}

function without(words: readonly string[], options: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const name = word.split("=", 1)[0] ?? "";
    if (!options.includes(name)) kept.push(word);
    else if (word === name && !withoutValue.includes(name) && words[at + 1]?.startsWith("-") === false)
      at += 1;
  }
  return kept;
}

/** Directories are mounted, not files: a renewal replaces the files, and a mounted file would stay the old one. */
function placesOf({ certPath, keyPath }: ServerAdditions): {
  readonly mounts: readonly (readonly [source: string, target: string])[];
  readonly certificate: string;
  readonly key: string;
} {
  const [certificates, keys] = [directoryOf(certPath), directoryOf(keyPath)];
  const certificate = `${inside.certificates}/${nameOf(certPath)}`;
  if (certificates === keys) {
    const key = `${inside.certificates}/${nameOf(keyPath)}`;
    return { mounts: [[certificates, inside.certificates]], certificate, key };
  }
  const mounts = [
    [certificates, inside.certificates],
    [keys, inside.keys],
  ] as const;
  return { mounts, certificate, key: `${inside.keys}/${nameOf(keyPath)}` };
}

function addMounts(document: Document, service: YAMLMap, additions: ServerAdditions): void {
  const { passwordFile } = additions;
  const mounts = [
    ...placesOf(additions).mounts,
    ...(passwordFile === undefined ? [] : [[passwordFile, inside.password] as const]),
  ];
  const volumes = sequenceAt(document, service, "volumes");
  for (const [source, target] of mounts) {
    // The long form fails when the source is not there; the short one would make an empty directory of it.
    const bind = { type: "bind", source, target, read_only: true, bind: { create_host_path: false } };
    volumes.add(document.createNode(bind));
  }
}

/** A secret that stands in the file as well would win over the one in the environment file. */
function addEnvironmentFile(document: Document, service: YAMLMap, path: string): void {
  const environment = service.get("environment");
  if (isMap(environment)) environment.delete("AGENT_SECRET");
  if (isSeq(environment))
    environment.items = environment.items.filter(
      (item) => !/^AGENT_SECRET(=|$)/.test(String(isScalar(item) ? item.value : item)),
    );
  const declared = service.get("env_file");
  if (typeof declared === "string") service.set("env_file", document.createNode([declared]));
  sequenceAt(document, service, "env_file").add(document.createNode(path));
}

function publish(document: Document, service: YAMLMap, port: number): void {
  const ports = sequenceAt(document, service, "ports");
  const published = ports.items.some((item) => {
    if (isMap(item)) return Number(item.get("target")) === httpsPort;
    const [text = ""] = String(isScalar(item) ? item.value : item).split("/");
    return text.split(":").at(-1) === String(httpsPort);
  });
  if (!published) ports.add(document.createNode(`${port}:${httpsPort}`));
}

function addLabel(document: Document, service: YAMLMap, definition: string): void {
  const labels = service.get("labels");
  if (isSeq(labels)) labels.add(document.createNode(`${definitionLabel}=${definition}`));
  else if (isMap(labels)) labels.set(definitionLabel, definition);
  else service.set("labels", document.createNode({ [definitionLabel]: definition }));
}

function externalVolumes(document: Document, service: YAMLMap): ServerCompose["external"] {
  const volumes = document.get("volumes");
  if (!isMap(volumes)) return [];
  const data = dataVolume(service);
  return volumes.items.flatMap(({ key, value }) => {
    const name = String(isScalar(key) ? key.value : key);
    const external = isMap(value) ? value.get("external") : undefined;
    if (!isMap(value) || external === undefined || external === false) return [];
    const own = value.get("name") ?? (isMap(external) ? external.get("name") : undefined);
    return [{ name: typeof own === "string" ? own : name, data: name === data }];
  });
}

/** The key of the volume that is mounted at /data. */
function dataVolume(service: YAMLMap): string | undefined {
  const volumes = service.get("volumes");
  if (!isSeq(volumes)) return undefined;
  for (const item of volumes.items) {
    const [source = "", target = ""] = isMap(item)
      ? [String(item.get("source")), String(item.get("target"))]
      : String(isScalar(item) ? item.value : item).split(":");
    if (target.replace(/\/$/, "") === "/data") return source;
  }
  return undefined;
}

function sequenceAt(document: Document, service: YAMLMap, key: string): YAMLSeq {
  const there = service.get(key);
  if (isSeq(there)) return there;
  const made = document.createNode([]);
  service.set(key, made);
  return made as YAMLSeq;
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
