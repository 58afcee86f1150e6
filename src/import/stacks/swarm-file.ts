/**
 * The Compose file of a Swarm's stack as the site declares it: what Phoenix sent, without what it put in place of files and
 * directories. Secrets stay external, for Docker tells nobody what they hold. Pure.
 */
import { isMap, isSeq } from "yaml";
import { preparedForSwarm } from "../../fabric/swarm-compose.ts";
import { ComposeDocument, type Member } from "../../formats/compose/document.ts";
import { EditedService, editService } from "../../formats/compose/edit.ts";
import { grantsOf } from "../../formats/compose/mounts.ts";
import { definitionLabel } from "../../formats/compose/swarm/services.ts";
import { digest } from "../../formats/text/digest.ts";
import { yamlText } from "../../formats/yaml/index.ts";
import { Secret } from "../../secret.ts";
import { looksSecret } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import { pairsOf } from "./shared-file.ts";
import { type DeclaredFile, type DeployedFile, fileBehind, type StackShare } from "./stack-file.ts";
import { revealed } from "./variables.ts";

/** A stack as Portainer has it. */
export interface SentToSwarm {
  readonly text: string;
  readonly project: string;
  readonly variables: ReadonlyMap<string, Secret>;
  /** The stack's directory as its machines see it. */
  readonly directory: string;
  readonly share: StackShare;
  /** What the Swarm's configs hold, by name. */
  readonly configs: ReadonlyMap<string, Secret>;
  /** Whether the stack has other environments, whose labels differ from these. */
  readonly isOneOfSeveral: boolean;
}

/** The file that gives exactly what was sent, as far back as one does: at last that is what was sent itself. */
export function declaredSwarmFile(sent: SentToSwarm): DeclaredFile {
  const attempts = [true, false].flatMap((objects) =>
    [true, false].map((removesEmpty) => () => new Undoing(sent, removesEmpty).declared(objects)),
  );
  for (const attempt of attempts) {
    const declared = attempt();
    if (preparedText(sent, declared) === sent.text) return declared;
  }
  return { text: sent.text, files: [], volumes: new Map() };
}

/** What Phoenix would send. */
function preparedText(
  { project, variables, directory, share }: SentToSwarm,
  { text, files, volumes, labels = new Map() }: DeclaredFile,
): string {
  const from = { file: "docker-compose.yml", line: 1, column: 1 };
  const values = revealed(variables);
  const { root } = new ComposeDocument(text, values);
  const stack = {
    compose: { file: from.file, text },
    project,
    variables: [...variables].map(([name, value]) => ({
      ...{ name, value, from },
      sensitive: isSensitiveName(name) || looksSecret(values.get(name) ?? ""),
    })),
    files: files.map(({ path, destination, text: content }) => ({
      ...{ source: path, destination, from },
      content: new Secret(content),
    })),
    labels: Object.fromEntries(
      [...labels].map(([service, all]) => [service, all.map((each) => ({ ...each, from }))]),
    ),
    volumes: [...volumes].map(([key, below]) => ({
      name: root.get("volumes").get(key).get("name").text ?? key,
      directory: below,
    })),
    share: { name: "", ...share, from },
  };
  return preparedForSwarm(stack, { values, directory, members: 1 }).text;
}

/** A Compose file while what Phoenix put into it is taken out again. */
class Undoing {
  readonly #document: ComposeDocument;
  readonly #sent: SentToSwarm;
  readonly #configs: ReadonlyMap<string, string>;
  readonly #removesEmpty: boolean;
  readonly #files = new Map<string, DeployedFile>();
  readonly #volumes = new Map<string, string>();
  readonly #labels = new Map<string, readonly { readonly key: string; readonly value: string }[]>();

  /** @param removesEmpty whether a list or mapping that has become empty was not there before */
  constructor(sent: SentToSwarm, removesEmpty: boolean) {
    this.#document = new ComposeDocument(sent.text, revealed(sent.variables), sent.project);
    this.#sent = sent;
    this.#configs = revealed(sent.configs);
    this.#removesEmpty = removesEmpty;
  }

  /** @param objects whether configs become files, and NFS volumes directories */
  declared(objects: boolean): DeclaredFile {
    this.#removeLabels();
    if (objects) {
      this.#restoreFiles();
      this.#restoreVolumes();
    }
    const text = yamlText(this.#document.yaml);
    const files = [...this.#files.values()];
    return {
      ...{ text, files, volumes: this.#volumes },
      ...(this.#labels.size === 0 ? {} : { labels: this.#labels }),
    };
  }

  get #services(): readonly EditedService[] {
    const { members } = this.#document.services;
    return members.flatMap(({ key }) => editService(this.#document, key) ?? []);
  }

  #removeLabels(): void {
    for (const { key: name } of this.#document.services.members) {
      const service = editService(this.#document, name);
      const deploy = service?.own("deploy");
      if (!isMap(deploy)) continue;
      const labels = new EditedService(this.#document, deploy).own("labels");
      const routing = this.#sent.isOneOfSeveral ? pairsOf(labels).filter(({ key }) => isRouting(key)) : [];
      if (routing.length > 0) this.#labels.set(name, routing);
      const gone = new Set([definitionLabel, ...routing.map(({ key }) => key)]);
      const isOwn = (label: unknown): boolean => gone.has(String(label).split("=")[0] ?? "");
      if (isMap(labels)) labels.items = labels.items.filter(({ key }) => !isOwn(key));
      if (isSeq(labels)) labels.items = labels.items.filter((item) => !isOwn(item));
      if (!this.#removesEmpty || labels?.items.length !== 0) continue;
      deploy.delete("labels");
      if (deploy.items.length === 0) service?.remove("deploy");
    }
  }

  /** Configs whose content is known. One under its own name was a file that services bind. */
  #restoreFiles(): void {
    for (const { key, value } of this.#external("configs")) {
      const name = value.get("name").text ?? key;
      const content = this.#configs.get(name);
      const file = fileBehind(name, this.#sent.project);
      const target = this.#document.services.members
        .flatMap((service) => grantsOf(service.value, "configs"))
        .find(({ source }) => source === key)?.target;
      if (content === undefined || target === undefined || file === undefined) continue;
      const isBound = key === name;
      const path = isBound ? file : withEnding(file, target);
      if (this.#files.has(path)) continue;
      this.#files.set(path, { path, destination: isBound ? target : "", text: content, isPrivate: false });
      if (isBound) this.#bindInstead(key, path);
      else this.#set("configs", key, { file: path });
    }
  }

  #bindInstead(key: string, path: string): void {
    for (const service of this.#services) {
      const grant = grantsOf(service.node, "configs").find(({ source }) => source === key);
      const list = service.own("configs");
      if (grant === undefined || !isSeq(list)) continue;
      list.items = list.items.filter((item) => this.#document.node(item).get("source").text !== key);
      if (this.#removesEmpty) service.removeEmpty("configs");
      service.append("volumes", `./${path}:${grant.target}`);
    }
    this.#remove("configs", key);
  }

  /** NFS volumes of the share: external ones, and directories that services bind. */
  #restoreVolumes(): void {
    const { share, project } = this.#sent;
    for (const { key, value } of this.#document.root.get("volumes").members) {
      const below = this.#directoryOf(value);
      if (below === undefined) continue;
      const name = value.get("name").text ?? key;
      const own = digest(`${share.server}:${share.path}/${below}`).slice(0, 8);
      if (key === name && name.startsWith(`${project}_`) && name.endsWith(`_${own}`)) {
        this.#bindDirectory(key, below);
        this.#remove("volumes", key);
      } else {
        this.#volumes.set(key, below);
        this.#set("volumes", key, { external: true, ...(key === name ? {} : { name }) });
      }
    }
  }

  #bindDirectory(key: string, below: string): void {
    const { share, directory } = this.#sent;
    const path = `${share.mountPoint}/${below}`;
    const source = path.startsWith(`${directory}/`) ? `./${path.slice(directory.length + 1)}` : path;
    for (const service of this.#services) {
      const list = service.own("volumes");
      if (!isSeq(list)) continue;
      list.items = list.items.map((item) => {
        const mount = this.#document.node(item);
        if (mount.get("source").text !== key) return item;
        const end = mount.get("read_only").text === "true" ? ":ro" : "";
        return this.#document.yaml.createNode(`${source}:${mount.get("target").text}${end}`);
      });
    }
  }

  /** A volume's directory below the share; undefined for one that Phoenix did not write. */
  #directoryOf(value: Member["value"]): string | undefined {
    const { server, path } = this.#sent.share;
    const options = value.get("driver_opts");
    const device = options.get("device").text ?? "";
    const isOurs =
      value.get("driver").text === "local" &&
      options.get("type").text === "nfs" &&
      options.get("o").text === `addr=${server},rw,nfsvers=4` &&
      device.startsWith(`:${path}/`);
    return isOurs ? device.slice(path.length + 2) : undefined;
  }

  #external(section: "configs" | "secrets"): readonly Member[] {
    return this.#document.root
      .get(section)
      .members.filter(({ value }) => value.get("external").text === "true");
  }

  #set(section: "configs" | "volumes", key: string, value: object): void {
    this.#document.yaml.setIn([section, key], this.#document.yaml.createNode(value));
  }

  #remove(section: "configs" | "volumes", key: string): void {
    const { yaml, root } = this.#document;
    yaml.deleteIn([section, key]);
    const rest = root.get(section);
    if (this.#removesEmpty && rest.members.length === 0) yaml.delete(section);
  }
}

/** Whether a label is for Traefik: those differ between environments. */
function isRouting(key: string): boolean {
  return key.startsWith("traefik.");
}

/** "settings" that containers see as /etc/app/config.yml is settings.yml. */
function withEnding(name: string, target: string): string {
  const ending = /\.\w+$/.exec(target)?.[0] ?? "";
  return name.endsWith(ending) ? name : `${name}${ending}`;
}
