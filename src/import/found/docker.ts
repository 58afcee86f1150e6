/** What was read from Docker engines and from Portainer, each with its place. Files may hold secrets: they are never printed. */
import type { OtherEnvironment, StackAccess } from "../../apis/portainer/index.ts";
import type { GuestName } from "../../resource.ts";
import type { Secret } from "../../secret.ts";
import type { Source } from "../found.ts";

/** The Docker engine of a guest. */
export interface FoundEngine {
  readonly host: GuestName;
  readonly containers: readonly FoundContainer[];
  readonly volumes: readonly FoundVolume[];
  /** Whether it is a member of a Swarm, whose services are not Compose projects. */
  readonly swarm: boolean;
}

export interface FoundContainer {
  readonly name: string;
  readonly image: string;
  /** Docker's term: "running", "exited", "restarting". */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What its program was started with. */
  readonly args: readonly string[];
  readonly ports: readonly FoundPort[];
  readonly mounts: readonly FoundMount[];
  /** Names of its networks; "host" for the machine's own. */
  readonly networks: readonly string[];
  readonly source: Source;
}

/** A port of a container that the machine publishes, running or not. */
export interface FoundPort {
  readonly container: number;
  readonly protocol: string;
  readonly published: number;
  /** "0.0.0.0" is every address. */
  readonly address: string;
}

export interface FoundMount {
  /** "bind", "volume", "tmpfs". */
  readonly type: string;
  /** A volume's name, or a path of the machine. */
  readonly name: string;
  /** Where the machine has it. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface FoundVolume {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

/** Containers that Compose made for one project, with the files that it was made from. */
export interface FoundProject {
  readonly host: GuestName;
  readonly name: string;
  /** The directory that relative paths start from, where whoever ran Compose sees it. */
  readonly directory: string;
  /** The Compose files in their order, and those of them that are still there. */
  readonly composePaths: readonly string[];
  readonly files: readonly FoundFile[];
  /** `--env-file`, or the .env beside the first Compose file where there is one. */
  readonly environmentFiles: readonly FoundFile[];
  /** What its Compose files name: environment files, configs, secrets, files and directories that are bound. */
  readonly named: readonly FoundPath[];
  /** Names of its services that have containers. */
  readonly services: readonly string[];
  /** Whether Portainer runs it: its files are in Portainer's own data, not in the guest. */
  readonly byPortainer: boolean;
  readonly source: Source;
}

export interface FoundFile {
  readonly path: string;
  readonly text: string;
  /** Others cannot read it. */
  readonly isPrivate: boolean;
}

/** A path of the guest that a Compose file names. */
export interface FoundPath {
  /** Absolute. */
  readonly path: string;
  readonly kind: "file" | "directory" | "missing" | "other";
  /** Of a file that was read; absent where it is too large for a site, or not text. */
  readonly text?: string;
  /** Others cannot read it. */
  readonly isPrivate?: boolean;
}

/** A Portainer server, and what its API told where there were credentials for it. */
export interface FoundPortainer {
  readonly host: GuestName;
  readonly container: FoundContainer;
  /** The port of the machine that leads to HTTPS; undefined when none is published. */
  readonly port: number | undefined;
  /** The address of its machine, where that is known. */
  readonly address: string | undefined;
  /** The names in the certificate that it presents, and its SHA-256 in upper-case hexadecimal digits. */
  readonly names: readonly string[];
  readonly fingerprint: string | undefined;
  readonly state: FoundPortainerState | undefined;
  /** Why there is no state. */
  readonly unread?: string;
  readonly source: Source;
}

export interface FoundPortainerState {
  readonly user: string;
  /** How the API was entered: what the site needs as well. */
  readonly password?: Secret;
  readonly apiKey?: Secret;
  readonly environments: readonly FoundEnvironment[];
  /** Those of kinds that Phoenix does not deploy to. */
  readonly others: readonly OtherEnvironment[];
  readonly stacks: readonly FoundStack[];
  readonly registries: readonly { readonly name: string; readonly url: string; readonly username: string }[];
  readonly teams: ReadonlyMap<number, string>;
  readonly users: ReadonlyMap<number, string>;
}

export interface FoundEnvironment {
  readonly id: number;
  readonly name: string;
  readonly kind: "agent" | "local";
  readonly url: string;
}

/** A stack that Portainer has. */
export interface FoundStack {
  readonly id: number;
  readonly name: string;
  readonly environmentId: number;
  /** "compose", "swarm", or why the stack is not one that Phoenix can deploy. */
  readonly kind: "compose" | "swarm" | "Kubernetes" | "without a file";
  /** The Swarm that it is a stack of. */
  readonly swarmId?: string;
  readonly status: "active" | "inactive" | "deploying" | "error";
  readonly text: string;
  /** The URL of the Git repository that Portainer takes it from. */
  readonly repository?: string;
  /** As Portainer stores them: in the notation of an environment file. */
  readonly variables: readonly { readonly name: string; readonly value: Secret }[];
  readonly access: StackAccess | undefined;
  /** Files and directories that its Compose file binds by absolute paths, on the machine that runs it. */
  readonly named: readonly FoundPath[];
}

/** Everything that the Docker engines and Portainer told. */
export interface FoundDocker {
  readonly engines: readonly FoundEngine[];
  readonly projects: readonly FoundProject[];
  readonly portainer: readonly FoundPortainer[];
}
