/** What a Docker engine of the lab knows: plain data, kept in the lab's store as `docker-vm-1001`. */
import { createHash } from "node:crypto";

export interface EngineState {
  readonly images: readonly EngineImage[];
  readonly containers: readonly LabContainer[];
  readonly volumes: readonly EngineVolume[];
  readonly networks: readonly EngineNetwork[];
}

export interface EngineImage {
  /** "sha256:…" */
  readonly id: string;
  /** With its tag or digest: "qdrant/qdrant:latest". */
  readonly reference: string;
}

export interface EngineVolume {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface EngineNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a container is made from. */
export interface ContainerSpec {
  readonly name: string;
  /** As it was asked for: "nginx" or "nginx:1.27". */
  readonly image: string;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  /** "NAME=value" */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly ContainerMount[];
  readonly networks: readonly string[];
  /** "no", "always", "unless-stopped", "on-failure", "on-failure:3". */
  readonly restart: string;
  readonly healthcheck?: HealthCheck;
}

/** How Docker asks a container for its health. */
export interface HealthCheck {
  readonly intervalMs: number;
  /** Between probes of the start period. */
  readonly startIntervalMs: number;
  /** Failures of this time do not count. */
  readonly startPeriodMs: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
  /** What its probe comes to in the lab. */
  readonly passes: boolean;
}

/** How and when a process ends by itself. */
export interface ProcessEnd {
  readonly afterMs: number;
  readonly exitCode: number;
}

export interface PublishedPort {
  readonly container: number;
  /** Lower case: "tcp", "udp", "sctp". */
  readonly protocol: string;
  /** "0.0.0.0" for every address. */
  readonly address: string;
  /** 0 asks for any free port. */
  readonly host: number;
  /** The end of a range from `host` on: the first free port of it is taken. */
  readonly upTo?: number;
}

export interface ContainerMount {
  readonly type: "bind" | "volume";
  /** A path on the host, or a volume's name. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Makes a missing directory of a bind, as `-v` and the short form of Compose do; otherwise it fails. */
  readonly create: boolean;
}

export interface LabContainer extends ContainerSpec {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly imageId: string;
  readonly state: "created" | "running" | "exited" | "restarting";
  readonly exitCode: number;
  /** Absent for a process that runs on. */
  readonly end?: ProcessEnd;
  /** By its restart policy since it was last started by hand. */
  readonly restarts: number;
  /** The wait before the latest of these. Milliseconds; 0 before the first one. */
  readonly backoffMs: number;
  /** The daemon's words when it could not start. */
  readonly error: string;
  /** Milliseconds since the epoch; 0 for never. */
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** The Swarm's task that it belongs to: the Swarm keeps it, and not the engine. */
  readonly task?: string;
  readonly log: readonly string[];
}

/** The same for the same reference on every machine. */
export function imageId(reference: string): string {
  return `sha256:${createHash("sha256").update(`image ${reference}`).digest("hex")}`;
}

export const emptyEngine: EngineState = { images: [], containers: [], volumes: [], networks: [] };

/** Labels that Compose finds its containers, volumes and networks by. */
export const composeLabels = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  hash: "com.docker.compose.config-hash",
  volume: "com.docker.compose.volume",
  network: "com.docker.compose.network",
} as const;

/** The daemon says no. */
export class DockerError extends Error {
  /** The HTTP status that its API answers with. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** "nginx" is "nginx:latest", and Docker Hub's own names are short. */
export function fullReference(image: string): string {
  const short = image.replace(/^docker\.io\//, "").replace(/^library\//, "");
  const tagged = short.includes("@") || short.includes(":", short.lastIndexOf("/") + 1);
  return tagged ? short : `${short}:latest`;
}
