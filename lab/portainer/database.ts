/** Portainer's database: one file in its data directory, so that it lives and dies with that. */
import { createHash, randomUUID, scryptSync, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { readTextIfThere, replaceFile } from "../store.ts";
import { newPairingKey } from "./signature.ts";

export interface Database {
  readonly instanceId: string;
  /** PEM. */
  readonly pairingKey: string;
  readonly users: readonly User[];
  readonly apiKeys: readonly ApiKey[];
  readonly settings: { readonly sessionTimeout: string; readonly http: boolean };
  readonly endpoints: readonly Endpoint[];
  readonly stacks: readonly Stack[];
  readonly registries: readonly Registry[];
  readonly teams?: readonly { readonly Id: number; readonly Name: string }[];
  readonly tags: readonly { readonly ID: number; readonly Name: string }[];
  /** The last number given out of each kind: none is given twice. */
  readonly last: {
    readonly endpoint: number;
    readonly stack: number;
    readonly tag: number;
    readonly apiKey: number;
    readonly registry?: number;
    readonly team?: number;
  };
}

export interface Registry {
  readonly Id: number;
  /** 3 is custom. */
  readonly Type: number;
  readonly Name: string;
  readonly URL: string;
  readonly Authentication: boolean;
  readonly Username: string;
  readonly Password: string;
}

export interface User {
  readonly id: number;
  readonly name: string;
  /** "salt$hash" */
  readonly password: string;
  /** Seconds since the epoch; older tokens are void. */
  readonly tokenIssueAt: number;
  /** 1 is an administrator, as without it; 2 is not. */
  readonly role?: number;
}

export interface ApiKey {
  readonly id: number;
  readonly userId: number;
  readonly description: string;
  readonly prefix: string;
  /** SHA-256 of the key, hexadecimal. */
  readonly digest: string;
  readonly dateCreated: number;
}

/** In the spelling of Portainer's API (portainer.go 2.23). */
export interface Endpoint {
  readonly Id: number;
  readonly Name: string;
  /** 1 Docker, 2 agent on Docker; the lab makes no others: 4 edge agent on Docker, 6 agent on Kubernetes. */
  readonly Type: number;
  readonly URL: string;
  readonly PublicURL: string;
  readonly GroupId: number;
  /** 1 up, 2 down. */
  readonly Status: number;
  readonly TagIds: readonly number[];
  readonly TLSConfig: { readonly TLS: boolean; readonly TLSSkipVerify: boolean };
  readonly ContainerEngine: string;
  readonly Agent: { readonly Version: string };
}

export interface Variable {
  readonly name: string;
  readonly value: string;
}

export interface Stack {
  readonly Id: number;
  readonly Name: string;
  /** 1 is Swarm, 2 is Compose. */
  readonly Type: number;
  /** As it was sent: nobody compares it with the Swarm's own. */
  readonly SwarmId?: string;
  readonly EndpointId: number;
  readonly EntryPoint: string;
  readonly Env: readonly Variable[] | null;
  /** 1 active, 2 inactive, 3 deploying, 4 error. */
  readonly Status: number;
  readonly ProjectPath: string;
  readonly CreationDate: number;
  readonly CreatedBy: string;
  readonly UpdateDate: number;
  readonly UpdatedBy: string;
  /** Absent for the administrators' alone, null after it was deleted. */
  readonly control?: Control | null;
  readonly Option?: { readonly Prune: boolean };
  /** Of a stack that was made from a repository. */
  readonly GitConfig?: {
    readonly URL: string;
    readonly ReferenceName: string;
    readonly ConfigFilePath: string;
  };
  readonly DeploymentStatus?: readonly {
    readonly Status: number;
    readonly Time: number;
    readonly Message?: string;
  }[];
}

export interface Control {
  readonly Public: boolean;
  readonly AdministratorsOnly: boolean;
  readonly UserAccesses: readonly { readonly UserId: number; readonly AccessLevel: 1 }[];
  readonly TeamAccesses: readonly { readonly TeamId: number; readonly AccessLevel: 1 }[];
}

export interface DatabaseFile {
  read(): Database;
  /** Replaces these parts; what is equal is not written again. */
  write(change: Partial<Database>): void;
}

/** The database in a data directory; a new one where there is none. */
export function openDatabase(directory: string): DatabaseFile {
  const path = join(directory, "portainer.db");
  const read = (): Database => {
    const text = readTextIfThere(path);
    if (text !== undefined) return { registries: [], ...(JSON.parse(text) as object) } as unknown as Database;
    const made: Database = {
      instanceId: randomUUID(),
      pairingKey: newPairingKey(),
      users: [],
      apiKeys: [],
      settings: { sessionTimeout: "8h", http: true },
      endpoints: [],
      stacks: [],
      registries: [],
      tags: [],
      last: { endpoint: 0, stack: 0, tag: 0, apiKey: 0 },
    };
    save(made);
    return made;
  };
  const save = (value: Database): void => replaceFile(path, `${JSON.stringify(value, null, 1)}\n`);
  return {
    read,
    write: (change) => {
      const before = read();
      const after = { ...before, ...change };
      if (JSON.stringify(after) !== JSON.stringify(before)) save(after);
    },
  };
}

/** Little work is enough here: the lab's passwords lie in its own files. */
const hashing = { N: 1024, r: 8, p: 1 };

export function hashPassword(password: string): string {
  const salt = createHash("sha256").update(randomUUID()).digest("hex").slice(0, 16);
  return `${salt}$${scryptSync(password, salt, 32, hashing).toString("hex")}`;
}

export function isPassword(stored: string, password: string): boolean {
  const [salt = "", hash = ""] = stored.split("$");
  return timingSafeEqual(Buffer.from(hash, "hex"), scryptSync(password, salt, 32, hashing));
}
