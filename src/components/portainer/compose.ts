/** The Compose file of Portainer's server: the declared one, edited as a document, with what Phoenix adds. Pure. */
import { isMap, isScalar, isSeq } from "yaml";
import {
  containerName,
  definitionLabel,
  serverProject,
  serverService,
} from "../../fabric/portainer-server.ts";
import { ports } from "../../fabric/ports.ts";
import { ComposeDocument } from "../../formats/compose/document.ts";
import { type EditedService, editService } from "../../formats/compose/edit.ts";
import { readDocument } from "../../formats/compose/index.ts";
import { mountsOf } from "../../formats/compose/mounts.ts";
import { type SourceLine, sourceLines } from "../../formats/compose/source-lines.ts";
import { splitWords } from "../../formats/shell/hook.ts";
import { digest } from "../../formats/text/digest.ts";
import { yamlText } from "../../formats/yaml/index.ts";

export interface ServerAdditions {
  /** Absolute paths on the machine that runs it. */
  readonly certPath: string;
  readonly keyPath: string;
  readonly environmentFile: string;
  /** For `--admin-password-file`; absent when the administrator has another name than that option gives it. */
  readonly passwordFile?: string;
  /** The port of the machine that leads to the user interface and API. */
  readonly port: number;
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
  /** What is mounted at /data: the name of a volume, or a directory of the machine. */
  readonly data?: string | undefined;
  /** Where each line of the text comes from: worked out when it is asked for. */
  readonly lines: readonly SourceLine[];
}

/** Paths in the container where Phoenix mounts something. */
const inside = {
  certificates: "/phoenix/certs",
  keys: "/phoenix/keys",
  password: "/phoenix/admin-password",
} as const;

/** Options that Phoenix sets. */
const ownOptions = ["--sslcert", "--sslkey", "--admin-password", "--admin-password-file"];
/** They concern the connection to Docker and have no effect with a socket; often mistaken for `--sslcert` (2.19 to 2.45). */
const mistakenOptions = ["--tlsverify", "--tlsskipverify", "--tlscacert", "--tlscert", "--tlskey"];
const withoutValue = ["--tlsverify", "--tlsskipverify"];

/** Prepares the declared Compose file; `fault` says why it cannot run Portainer's server. */
export function portainerCompose(
  text: string,
  additions: ServerAdditions,
): { readonly compose: ServerCompose } | { readonly fault: string } {
  const document = new ComposeDocument(text, new Map());
  const { compose, faults } = readDocument(document, serverProject);
  if (compose === undefined) return { fault: faults[0]?.message ?? "it is not a Compose file" };
  const server = serverService(compose);
  const service = server === undefined ? undefined : editService(document, server.name);
  if (server === undefined || service === undefined)
    return { fault: "none of its services has an image of Portainer's server" };

  setCommand(service, additions);
  addMounts(service, additions);
  addEnvironmentFile(service, additions.environmentFile);
  publish(service, additions.port);
  const definition = digest(yamlText(document.yaml));
  service.setPairs("labels", new Map([[definitionLabel, definition]]));
  // The key of the volume that is mounted at /data.
  const data = mountsOf(service.node).find(({ target }) => target.replace(/\/$/, "") === "/data")?.source;
  const printed = yamlText(document.yaml);
  return {
    compose: {
      text: printed,
      get lines() {
        return sourceLines(document, text, printed);
      },
      service: server.name,
      container: containerName(server),
      image: server.image ?? "",
      definition,
      external: compose.volumes
        .filter(({ external }) => external)
        .map(({ key, name }) => ({ name, data: key === data })),
      data: compose.volumes.find(({ key }) => key === data)?.name ?? data,
    },
  };
}

/** The definition that a Compose file of ours has in its label; "" for any other text. */
export function definitionIn(text: string): string {
  return new RegExp(`${definitionLabel.replace(".", "\\.")}(?:=|: ?)"?([0-9a-f]{16})`).exec(text)?.[1] ?? "";
}

function setCommand(service: EditedService, additions: ServerAdditions): void {
  const declared = service.node.get("command");
  const words = declared.isList
    ? declared.items.map(({ written }) => written)
    : splitWords(declared.isNull ? "" : declared.written).words;
  const tcp = words.some((word) => word.startsWith("tcp://") || /^(-H|--host)=?tcp:/.test(word));
  const unwanted = tcp ? ownOptions : [...ownOptions, ...mistakenOptions];
  const { certificate, key } = placesOf(additions);
  const passwordFile = additions.passwordFile === undefined ? [] : ["--admin-password-file", inside.password];
  const tls = ["--sslcert", certificate, "--sslkey", key];
  service.set("command", [...without(words, unwanted), ...tls, ...passwordFile]);
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

/** Directories are mounted instead of files: a renewal replaces a file, and the container would keep the old one. */
function placesOf({ certPath, keyPath }: ServerAdditions): {
  readonly mounts: readonly (readonly [source: string, target: string])[];
  readonly certificate: string;
  readonly key: string;
} {
  const mounts = new Map<string, string>([[directoryOf(certPath), inside.certificates]]);
  const keys = mounts.get(directoryOf(keyPath)) ?? inside.keys;
  return {
    mounts: [...mounts.set(directoryOf(keyPath), keys)],
    certificate: `${inside.certificates}/${certPath.split("/").at(-1)}`,
    key: `${keys}/${keyPath.split("/").at(-1)}`,
  };
}

function addMounts(service: EditedService, additions: ServerAdditions): void {
  const { passwordFile } = additions;
  const password = passwordFile === undefined ? [] : [[passwordFile, inside.password] as const];
  const mounts = [...placesOf(additions).mounts, ...password];
  // The long form fails when the source does not exist; the short one would create an empty directory.
  const bind = { create_host_path: false };
  for (const [source, target] of mounts)
    service.append("volumes", { type: "bind", source, target, read_only: true, bind });
}

/** A secret in the Compose file would take precedence over the one in the environment file. */
function addEnvironmentFile(service: EditedService, path: string): void {
  const isSecret = (name: string): boolean => /^AGENT_SECRET(=|$)/.test(name);
  if (service.node.get("environment").names.some(({ name }) => isSecret(name))) {
    const environment = service.own("environment");
    if (isMap(environment)) environment.delete("AGENT_SECRET");
    if (isSeq(environment))
      environment.items = environment.items.filter(
        (item) => !isSecret(String(isScalar(item) ? item.value : "")),
      );
  }
  service.append("env_file", path);
}

function publish(service: EditedService, port: number): void {
  const published = service.node.get("ports").items.some((item) => {
    if (item.isMapping) return Number(item.get("target").text) === ports.portainer;
    return item.written.split("/")[0]?.split(":").at(-1) === String(ports.portainer);
  });
  if (!published) service.append("ports", `${port}:${ports.portainer}`);
}

/** Of an absolute path: "/" for an entry of the root. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
