/**
 * The Compose file of a Swarm's stack as it is sent. Its services run on any member: files of the stack become configs and
 * secrets named by their content, directories of the share become NFS volumes that each member mounts by itself.
 */
import { isMap, isSeq, type YAMLSeq } from "yaml";
import { defined } from "../../../defined.ts";
import { digest } from "../../text/digest.ts";
import { yamlText } from "../../yaml/index.ts";
import { ComposeDocument, type ComposeFault } from "../document.ts";
import { EditedService, editService } from "../edit.ts";
import { type Compose, inOrder, readDocument } from "../index.ts";
import { mountsOf } from "../mounts.ts";
import { missingFile, rewriteBinds, within } from "../paths.ts";
import {
  fileUsers,
  inlineEnvironments,
  labelFileFaults,
  namesOf,
  type PreparedCompose,
  type PrepareOptions,
  type StackFileUse,
  targetsOf,
} from "../prepare.ts";
import { sourceLines } from "../source-lines.ts";
import { stackFaults } from "./lint.ts";
import { definitionLabel, definitionsOf, type SwarmServiceSpec, swarmServices } from "./services.ts";

export interface SwarmPrepareOptions extends PrepareOptions {
  readonly project: string;
  readonly files: ReadonlyMap<string, SwarmFileUse>;
  /** The NFS share that holds the stack's directory, and where its machines mount it. */
  readonly share: { readonly server: string; readonly path: string; readonly mountPoint: string };
  /** Directories of external volumes below the share's path, by Docker's names. */
  readonly volumes: ReadonlyMap<string, string>;
  /** How many machines the Swarm has. */
  readonly members: number;
}

export interface SwarmFileUse extends StackFileUse {
  /** It holds a secret. */
  readonly isSecret: boolean;
  /** Changes with the content: eight hexadecimal digits. */
  readonly fingerprint: string;
}

/** A file of the stack as containers get it. */
export interface SwarmFile {
  readonly kind: "config" | "secret";
  /** As Docker knows it: "wiki_app-ini_1a2b3c4d". */
  readonly name: string;
  /** The file below the stack's directory. */
  readonly path: string;
}

export interface SwarmCompose extends PreparedCompose {
  readonly objects: readonly SwarmFile[];
  /** Directories below the share's path that must be there before a task starts. */
  readonly directories: readonly string[];
  /** Files of the stack that lie in one of these directories. */
  readonly shared: readonly string[];
  /** As read from the text; none where it is not a Compose file. */
  readonly services: readonly SwarmServiceSpec[];
}

/** Prepares a stack's Compose file for `docker stack deploy`. */
export function swarmCompose(text: string, options: SwarmPrepareOptions): SwarmCompose {
  const document = new ComposeDocument(text, options.variables, options.project);
  const { compose, faults: found } = readDocument(document, options.project);
  const declared = compose && withDeployLabels(compose);
  const nothing = { objects: [], directories: [], shared: [], services: [] };
  if (!document.isValid || !document.services.isMapping)
    return { ...defined({ declared }), ...nothing, text, faults: found, lines: [] };
  const shared = (path: string): boolean => isShared(path, options.share.mountPoint);
  // Before anything is rewritten: what is said is about the lines that somebody wrote.
  const faults = [
    ...found,
    ...stackFaults(document, { members: options.members, shared }),
    ...document.services.members.flatMap(({ key, value }) => [
      ...rewriteBinds(value, options.directory),
      ...labelFileFaults(key, value),
    ]),
  ];
  const draft = new Draft(document, options);
  faults.push(...draft.replaceFiles(), ...inlineEnvironments(document, options));
  draft.separate();
  draft.replaceMounts();
  draft.replaceVolumes();
  draft.setLabels();
  document.yaml.delete("version");
  let printed: string | undefined;
  return {
    ...defined({ faults: inOrder(distinct(faults)), declared }),
    objects: [...draft.objects.values()],
    directories: [...draft.directories].sort(),
    shared: [...draft.shared].sort(),
    get text() {
      printed ??= yamlText(document.yaml);
      return printed;
    },
    get services() {
      return swarmServices(this.text, options.variables, options.project) ?? [];
    },
    get lines() {
      return sourceLines(document, text, this.text);
    },
  };
}

/** Where a Swarm's services have the labels that routes are made from: those of `deploy`, and their containers' own. */
export function withDeployLabels(compose: Compose): Compose {
  const services = compose.services.map(({ deployLabels = [], ...service }) => ({
    ...service,
    labels: [...service.labels, ...deployLabels],
  }));
  return { ...compose, services };
}

/** One place is told once: what Compose and the Swarm's client both refuse. */
function distinct(faults: readonly ComposeFault[]): readonly ComposeFault[] {
  const seen = new Set<string>();
  const rank = ({ severity }: ComposeFault): number => (severity === "warning" ? 1 : 0);
  return [...faults]
    .sort((a, b) => rank(a) - rank(b))
    .filter(({ place: { line, column } }) => {
      const at = `${line}:${column}`;
      const isNew = !seen.has(at);
      seen.add(at);
      return isNew;
    });
}

function isShared(path: string, mountPoint: string): boolean {
  return mountPoint !== "" && (path === mountPoint || path.startsWith(`${mountPoint}/`));
}

/** Sections of a service that are rewritten. */
const lists = ["volumes", "configs", "secrets"] as const;

/** A Compose file while it is rewritten. */
class Draft {
  /** By the file's path. */
  readonly objects = new Map<string, SwarmFile>();
  readonly directories = new Set<string>();
  readonly shared = new Set<string>();
  readonly #document: ComposeDocument;
  readonly #options: SwarmPrepareOptions;
  readonly #users: ReturnType<typeof fileUsers>;
  /** What each service mounted, read before copies of shared parts lose their variables. */
  readonly #mounts: ReadonlyMap<string, ReturnType<typeof mountsOf>>;
  readonly #targets: ReadonlySet<string>;

  constructor(document: ComposeDocument, options: SwarmPrepareOptions) {
    this.#document = document;
    this.#options = options;
    this.#users = fileUsers(document);
    const { members } = document.services;
    this.#mounts = new Map(members.map(({ key, value }) => [key, mountsOf(value)]));
    this.#targets = new Set(members.flatMap(({ value }) => targetsOf(value)));
  }

  /** Makes configs and secrets of a file external ones, under the name that goes with their content. */
  replaceFiles(): readonly ComposeFault[] {
    const { root } = this.#document;
    return (["configs", "secrets"] as const).flatMap((section) =>
      root.get(section).members.flatMap(({ key, value }): readonly ComposeFault[] => {
        const file = value.get("file");
        if (file.text === undefined) return [];
        const path = this.#below(file.text);
        const use = path === undefined ? undefined : this.#options.files.get(path);
        if (path === undefined || use === undefined) return [missingFile(key, file.text, file.place)];
        const kind = section === "secrets" ? "secret" : "config";
        const name = this.#nameOf(key, use);
        this.objects.set(`${kind} ${path}`, { kind, name, path });
        this.#set(section, key, { external: true, name });
        return [];
      }),
    );
  }

  /** Gives each service parts of its own where it shares them by anchors and merges. */
  separate(): void {
    for (const name of namesOf(this.#document)) {
      const service = editService(this.#document, name);
      if (service === undefined) continue;
      for (const key of lists) if (service.own(key) === undefined && service.inherits) service.set(key, []);
      if (service.own("deploy") === undefined) service.set("deploy", {});
    }
  }

  replaceMounts(): void {
    const files = [...this.#options.files].filter(([, { destination }]) => destination.startsWith("/"));
    for (const name of namesOf(this.#document)) {
      const service = editService(this.#document, name);
      if (service === undefined) continue;
      const list = service.own("volumes");
      if (isSeq(list)) this.#replaceMountsOf(service, name, list);
      for (const [path, use] of files) {
        const users = this.#users.get(path);
        if (this.#targets.has(use.destination) || (users !== undefined && !users.has(name))) continue;
        this.#grant(service, path, use, use.destination);
      }
      for (const key of lists) service.removeEmpty(key);
    }
  }

  #replaceMountsOf(service: EditedService, name: string, list: YAMLSeq): void {
    const { files, share } = this.#options;
    const mounts = this.#mounts.get(name) ?? [];
    const kept: unknown[] = [];
    for (const [at, item] of list.items.entries()) {
      const mount = mounts[at];
      const path = mount?.type === "bind" ? this.#below(mount.source) : undefined;
      const use = path === undefined ? undefined : files.get(path);
      if (mount === undefined) kept.push(item);
      else if (path !== undefined && use !== undefined) this.#grant(service, path, use, mount.target);
      else if (mount.type === "bind" && isShared(mount.source, share.mountPoint))
        kept.push(this.#directory(mount.source, mount.target, mount.isReadOnly));
      else kept.push(item);
    }
    list.items = kept;
  }

  /** The path of a file below the stack's directory. */
  #below(path: string): string | undefined {
    const { directory } = this.#options;
    if (path.startsWith("/"))
      return path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : undefined;
    return within("", path)?.slice(1);
  }

  #nameOf(key: string, { fingerprint }: SwarmFileUse): string {
    const { project } = this.#options;
    const words = `${project}_${key.replace(/[^\w.-]+/g, "-")}`;
    // 64 characters are Docker's limit (26).
    return `${words.slice(0, 64 - 9)}_${fingerprint}`;
  }

  /** Lets a service see a file at a path. */
  #grant(service: EditedService, path: string, use: SwarmFileUse, target: string): void {
    const kind = use.isSecret ? "secret" : "config";
    const known = this.objects.get(`${kind} ${path}`);
    const name = known?.name ?? this.#nameOf(path.split("/").at(-1) ?? path, use);
    this.objects.set(`${kind} ${path}`, { kind, name, path });
    this.#set(`${kind}s`, name, { external: true, name });
    service.append(`${kind}s`, { source: name, target });
  }

  /** A mount of a directory of the share, through a volume that each member makes by itself. */
  #directory(source: string, target: string, isReadOnly: boolean): unknown {
    const { share, project, files, directory } = this.#options;
    const below = source.slice(share.mountPoint.length + 1);
    this.directories.add(below);
    for (const path of files.keys())
      if (`${directory}/${path}`.startsWith(`${source}/`)) this.shared.add(path);
    const words =
      below
        .split("/")
        .at(-1)
        ?.replace(/[^\w.-]+/g, "-") ?? "";
    const name = `${project}_${words}_${digest(`${share.server}:${share.path}/${below}`).slice(0, 8)}`;
    this.#setVolume(name, name, below);
    const { yaml } = this.#document;
    return yaml.createNode({
      type: "volume",
      source: name,
      target,
      ...(isReadOnly ? { read_only: true } : {}),
    });
  }

  /** External volumes on the share: a member without one would make an empty volume of its own. */
  replaceVolumes(): void {
    for (const { key, value } of this.#document.root.get("volumes").members) {
      const name = value.get("name").text ?? value.get("external").get("name").text ?? key;
      const directory = value.get("external").isNull ? undefined : this.#options.volumes.get(name);
      if (directory === undefined) continue;
      this.directories.add(directory);
      this.#setVolume(key, name, directory);
    }
  }

  #setVolume(key: string, name: string, directory: string): void {
    const { server, path } = this.#options.share;
    const options = { type: "nfs", o: `addr=${server},rw,nfsvers=4`, device: `:${path}/${directory}` };
    this.#set("volumes", key, { name, driver: "local", driver_opts: options });
  }

  /** Sets an entry of one of the file's sections. */
  #set(section: "volumes" | "configs" | "secrets", key: string, value: object): void {
    const { yaml, root } = this.#document;
    const own = root.get(section).yaml;
    if (!isMap(own)) yaml.set(section, yaml.createNode({}));
    else if (yaml.get(section, true) !== own) yaml.set(section, own.clone());
    yaml.setIn([section, key], yaml.createNode(value));
  }

  /** Labels of the services themselves: a change of them restarts nothing. */
  setLabels(): void {
    const { labels, variables, project } = this.#options;
    const set = (name: string, pairs: readonly (readonly [string, string])[]): void => {
      const deploy = editService(this.#document, name)?.own("deploy");
      if (isMap(deploy)) new EditedService(this.#document, deploy).setPairs("labels", new Map(pairs));
    };
    const names = namesOf(this.#document);
    for (const name of names)
      set(
        name,
        (labels.get(name) ?? []).map(({ key, value }) => [key, value]),
      );
    // Of the whole definition, these labels among it.
    const definitions = definitionsOf(yamlText(this.#document.yaml), variables, project);
    for (const name of names) set(name, [[definitionLabel, definitions.get(name) ?? ""]]);
  }
}
