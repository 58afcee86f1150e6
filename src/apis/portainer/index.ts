/**
 * Portainer's HTTP API, the part that Phoenix needs, with the versions' differences hidden (2.19 to 2.45).
 * Logs in once per run, and again only when the token has expired: Portainer bans an address after ten quick logins.
 */
import type { Secret } from "../../secret.ts";
import type { SwarmApi } from "./swarm.ts";

export interface PortainerApi extends SwarmApi {
  /** Whether the API answers, and with which version. An unavailable API is a value, never an error. */
  status(): Promise<PortainerStatus>;
  /** Whether an administrator exists (public call). @throws TransportError, ApiError */
  adminExists(): Promise<boolean>;
  /** Creates the first administrator. Safe to call when one exists. @throws ApiError */
  createAdmin(user: string, password: Secret): Promise<void>;
  /**
   * Proves that the credentials work: the configured ones, or the password that worked last.
   * @throws ApiError 422 with a hint when the stored password is neither
   */
  login(): Promise<"configured" | "previous">;
  /** Replaces the password that worked last by the configured one. @throws ApiError */
  rotatePassword(): Promise<void>;

  /** Docker engines behind an agent, and engines that Portainer reaches itself. */
  environments(): Promise<readonly EnvironmentState[]>;
  /** Those of all other kinds, which Phoenix does not deploy to: edge agents, Kubernetes, Azure. */
  otherEnvironments(): Promise<readonly OtherEnvironment[]>;
  /** Registers an agent or the local engine. @throws ApiError with a hint for "already paired". */
  createEnvironment(environment: EnvironmentSettings): Promise<EnvironmentState>;
  updateEnvironment(id: number, environment: EnvironmentSettings): Promise<void>;
  /** Forgets an environment; its containers run on, its stacks are left without one. */
  deleteEnvironment(id: number): Promise<void>;
  /** Takes a fresh snapshot and returns whether the environment is up. */
  isUp(id: number): Promise<boolean>;

  stacks(): Promise<readonly StackState[]>;
  /** The stack's Compose file as stored, byte for byte. */
  stackFile(id: number): Promise<string>;
  /** Creates a standalone Compose stack and waits until its deployment is done. @throws ApiError with the reason. */
  createStack(environmentId: number, stack: StackDefinition): Promise<StackState>;
  /**
   * Creates a stack of a Swarm. The answer only says that the Swarm has taken the services, nothing of whether they run.
   * @param swarmId of the environment's own Swarm: Portainer (2.23) would store any other as well; @throws ApiError with the client's words
   */
  createSwarmStack(environmentId: number, swarmId: string, stack: StackDefinition): Promise<StackState>;
  /** Replaces file and variables and waits until the deployment is done. @throws ApiError with the reason. */
  updateStack(id: number, environmentId: number, stack: StackDefinition): Promise<StackState>;
  /** Takes the stack down and forgets it; volumes stay. */
  deleteStack(id: number, environmentId: number): Promise<void>;

  accounts(): Promise<Accounts>;
  stackAccess(id: number): Promise<StackAccess>;
  setStackAccess(id: number, access: StackAccess): Promise<void>;

  /** Containers of a Compose project on an environment, running or not. */
  containers(environmentId: number, project: string): Promise<readonly ContainerState[]>;
  /** What tells a container's process from the one before it; undefined when the container is gone. */
  containerLife(environmentId: number, containerId: string): Promise<ContainerLife | undefined>;
  removeContainer(environmentId: number, containerId: string): Promise<void>;
  /** Containers that are gone, or stopped already, are no error. */
  stopContainer(environmentId: number, containerId: string): Promise<void>;
  /** Containers that are gone, or run already, are no error. */
  startContainer(environmentId: number, containerId: string): Promise<void>;
  /** The last lines of a container's log, for an error message. */
  containerLogs(environmentId: number, containerId: string, lines: number): Promise<string>;
  volumes(environmentId: number): Promise<readonly VolumeState[]>;
  createVolume(environmentId: number, volume: VolumeState): Promise<void>;
  /** The names of an engine's networks. */
  networks(environmentId: number): Promise<readonly string[]>;
  /** Creates a bridge network. */
  createNetwork(environmentId: number, name: string): Promise<void>;
  /** Whether the engine has the image. */
  hasImage(environmentId: number, image: string): Promise<boolean>;
  /** Pulls an image, with Portainer's credentials for a registry of its own. @throws ApiError with the registry's message. */
  pullImage(environmentId: number, image: string, registryId?: number): Promise<void>;

  registries(): Promise<readonly RegistryState[]>;
  createRegistry(registry: RegistrySettings): Promise<void>;
  updateRegistry(id: number, registry: RegistrySettings): Promise<void>;
  deleteRegistry(id: number): Promise<void>;
}

export type PortainerStatus =
  | { readonly state: "up"; readonly version: string }
  /** No administrator was created within five minutes of the start: only a restart helps. */
  | { readonly state: "timed-out" }
  | { readonly state: "down"; readonly reason: string };

export interface RegistrySettings {
  readonly name: string;
  /** "ghcr.io", "registry.example.net:5000", "registry.gitlab.com/group". */
  readonly url: string;
  readonly username: string;
  readonly password: Secret;
}

export interface RegistryState extends Omit<RegistrySettings, "password"> {
  readonly id: number;
}

export interface EnvironmentSettings {
  readonly name: string;
  readonly kind: "agent" | "local";
  /** "tcp://10.0.0.102:9001" or "unix:///var/run/docker.sock". */
  readonly url: string;
}

export interface EnvironmentState extends EnvironmentSettings {
  readonly id: number;
  /** As of the last snapshot. */
  readonly up: boolean;
  readonly tls: boolean;
  readonly tlsSkipVerify: boolean;
}

export interface OtherEnvironment {
  readonly id: number;
  readonly name: string;
  /** In words: "an edge agent on Docker". */
  readonly kind: string;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

export interface StackDefinition {
  readonly name: string;
  readonly file: string;
  readonly env: readonly EnvironmentVariable[];
}

export interface StackState {
  readonly id: number;
  /** As Portainer normalised it. */
  readonly name: string;
  readonly environmentId: number;
  /** A standalone Compose stack. One that is neither this nor a Swarm's is never ours. */
  readonly compose: boolean;
  /** The Swarm that it is a stack of. */
  readonly swarmId?: string;
  readonly status: "active" | "inactive" | "deploying" | "error";
  /** Why the last deployment failed, on versions that store it. */
  readonly message?: string;
  readonly env: readonly EnvironmentVariable[];
  /** The URL of the Git repository that Portainer takes it from, without credentials. */
  readonly repository?: string;
}

/** Portainer's teams and users, by their names. */
export interface Accounts {
  readonly teams: readonly { readonly id: number; readonly name: string }[];
  readonly users: readonly { readonly id: number; readonly name: string }[];
}

/** Who may use a stack beside the administrators, by Portainer's numbers. */
export interface StackAccess {
  readonly teams: readonly number[];
  readonly users: readonly number[];
  readonly everybody: boolean;
}

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly image: string;
  /** Docker's terms: "running", "exited", "restarting", "created". */
  readonly state: string;
  /** "Up 3 minutes (healthy)", "Exited (1) 2 seconds ago". */
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Ports of the machine that lead to it while it runs. */
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

export interface ContainerLife {
  /** As Docker writes it: it changes with every start. */
  readonly startedAt: string;
  /** By its restart policy, since it was last started by hand. */
  readonly restarts: number;
  /** From a start until its health check has passed or failed at the latest, in milliseconds; 0 without one. */
  readonly healthMs: number;
}

export interface VolumeState {
  readonly name: string;
  readonly driver: string;
  /** "type", "o", "device" for NFS. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
