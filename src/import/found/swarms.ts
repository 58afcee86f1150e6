/** What was read of Docker Swarms, each with its place. Join tokens are never read. */
import type { GuestName } from "../../resource.ts";
import type { Secret } from "../../secret.ts";
import type { Source } from "../found.ts";

export interface FoundSwarm {
  /** The same on all its managers. */
  readonly id: string;
  /** The name that Phoenix gave it; absent where somebody else made it. */
  readonly mark?: string;
  readonly members: readonly FoundMember[];
  readonly services: readonly FoundService[];
  /** What the configs of stacks hold that Phoenix deployed, by their names. */
  readonly configs: ReadonlyMap<string, Secret>;
}

/** A guest whose engine is an active member. */
export interface FoundMember {
  readonly host: GuestName;
  readonly role: "manager" | "worker";
  readonly source: Source;
}

export interface FoundService {
  /** With its stack's name before it: "wiki_web". */
  readonly name: string;
  /** Without the digest that Docker adds. */
  readonly image: string;
  /** "" for one that belongs to none. */
  readonly stack: string;
  /** Of the service itself, not of its containers. */
  readonly labels: Readonly<Record<string, string>>;
}
