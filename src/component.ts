/** The contract between the engine and a component, and what a component is handed to do its work. */
import type { Apis } from "./apis/apis.ts";
import { defined } from "./defined.ts";
import type { PhoenixError } from "./errors.ts";
import type { Host } from "./hosts/host.ts";
import type { Network } from "./hosts/network.ts";
import type { Site } from "./model.ts";
import type { Change, HostName, Resource, ResourceId, SourceRef } from "./resource.ts";
import type { Secret } from "./secret.ts";

/** "dns": a key of the table in components/index.ts. */
export type ComponentName = string;

/** How a component, or one of its resources, ends. */
export type Outcome =
  | "unchanged"
  | "changed"
  | "deferred"
  | "skipped"
  | "interrupted"
  | "failed"
  | "rolled-back";

export interface Component {
  readonly name: ComponentName;
  /** Components that must have converged first. */
  readonly after: readonly ComponentName[];
  /**
   * Its resources do not depend on each other (one stack, one certificate): a change that fails is rolled back alone and
   * the others go on. Otherwise a failure takes back every change of the component.
   */
  readonly independent?: true;

  /** Its `read` finds declared resources only (a pair of files lies anywhere): the inventory tells what is declared no more. */
  readonly findsDeclaredOnly?: true;

  /** Set by the engine where a run names single resources: it works on these alone. See `narrowed`. */
  readonly only?: ReadonlySet<ResourceId>;

  /** Set by a rollback: what it deletes without consent, because it was created since. */
  readonly prunes?: (live: Resource) => boolean;

  /** What should be. Pure: no clock, no disk, no network; equal sites give equal resources, in the order to apply them. */
  compile(site: Site): readonly Resource[];

  /**
   * What is: everything of ours, so that orphans show; nothing of anybody else's. Changes nothing.
   * @throws NotReadyError when a prerequisite is not there yet; TransportError when a host or API does not answer.
   */
  read(io: Io): Promise<readonly Resource[]>;

  /**
   * Proves the candidate with the target's own checker before anything is replaced.
   * @throws CandidateError with the checker's words.
   */
  validate?(changes: readonly Change[], io: Io): Promise<void>;

  /**
   * What these changes would endanger, and what they meet that somebody else made, each with the consent that allows it all
   * the same. Changes nothing. When the live state is not ready to be read, it is asked with the creation of everything.
   */
  hazards?(changes: readonly Change[], io: Io): Promise<readonly Hazard[]>;

  /** The foreign things that these changes take over, as they are now: `read` never has them. Changes nothing. */
  readForeign?(changes: readonly Change[], io: Io): Promise<readonly Resource[]>;

  /** The version that the machines run of these changes, where `read` cannot tell what is in place. Changes nothing. */
  readRunning?(changes: readonly Change[], io: Io): Promise<ReadonlyMap<ResourceId, RunningVersion>>;

  /** What clients notice of these changes. Changes nothing. Where it is missing, nobody knows. */
  impact?(changes: readonly Change[], io: Io): Promise<Impact>;

  /** Arms an undo that works without us, before the first change. See `Guard`. */
  guard?(changes: readonly Change[], io: Io): Promise<Guard>;

  /** Makes one change. Safe to run twice; a file is replaced whole or not at all. Also rolls changes back. */
  apply(change: Change, io: Io): Promise<void>;

  /** Makes written changes live, once for all of them, by the gentlest means that works. Reports through `io.activated`. */
  activate?(touched: readonly ResourceId[], io: Io): Promise<void>;

  /** Proves the result from outside, as a client would. Changes nothing. */
  verify(io: Io): Promise<readonly Check[]>;
}

/** Which version of something is running: the one from before a change, or the one that the change leads to. */
export type RunningVersion = "previous" | "new";

/** What people and programs notice of changes, judged before they are made. */
export interface Impact {
  /** What clients notice, a clause each: "wiki.example.net moves from 10.0.0.2 to 10.0.0.3". */
  readonly notices: readonly string[];
  /** Names that are new to clients: nobody misses anything. */
  readonly added: readonly string[];
  /** What is reloaded, or restarted and away for a moment. */
  readonly activations: readonly Activation[];
  /** Services that are away for a moment because their container is recreated: "wiki/web". */
  readonly blinks: readonly string[];
  /** What is down and comes back, a clause each: "web of wiki is started". Nobody loses anything. */
  readonly starts?: readonly string[];
  /** What cannot be told before, a clause each: "what a new root of the CA breaks". */
  readonly unknown: readonly string[];
}

/** A danger that a guard found in a plan. */
export interface Hazard {
  /** What `--allow` must name to go on all the same: "lockout", "dns-shrink", "adopt". Without it, no consent helps. */
  readonly consent?: string;
  /** The rule with its numbers and names: "the new rules would cut 10.0.0.50 (this session) off from 10.0.0.13:22". */
  readonly message: string;
  readonly hint?: string;
  readonly from?: SourceRef;
  readonly foreign?: Foreign;
}

/** Something that somebody else made, which a change touches or which stands in its way. */
export interface Foreign {
  readonly host: HostName;
  /** Its own place or name: "/etc/dnsmasq.d/lan.conf:3", "container pihole". */
  readonly name: string;
  /** What happens to it with consent: "the line is commented out". Absent when it cannot be taken over. */
  readonly takeover?: string;
  /** The number of the process, for a program on a port that is needed. */
  readonly process?: string;
  /** What takes it over: with consent these come before the component's own changes, and roll back with them. */
  readonly changes?: readonly Change[];
  /** The resource that needs this, where the component's resources are independent: when it fails, both go back. */
  readonly for?: ResourceId;
}

/** @param message the whole fact, which names `foreign` itself; @param hint what to do by hand */
export function foreignHazard(message: string, foreign: Foreign, hint?: string): Hazard {
  const consent = foreign.takeover === undefined ? undefined : "adopt";
  return defined({ consent, message, hint, foreign });
}

/** An armed undo: it restores the previous state by itself unless it is told in time that all is well. */
export interface Guard {
  /**
   * All is well, proved by a fresh connection: the undo is disarmed.
   * @throws CandidateError when it was not proved and the previous state is back; another error when the undo has not run.
   */
  confirm(): Promise<void>;
}

/** One claim about the live system, and whether it holds. */
export interface Check {
  readonly resource: ResourceId;
  /** A fact: "chat.example.net resolves to 10.0.0.153". */
  readonly claim: string;
  /** "waiting" is the engine's word: its cause is external, and a component that may be the cause has yet to have its turn. */
  readonly status: "pass" | "fail" | "waiting";
  /** What was seen instead, when it failed. */
  readonly observed?: string;
  readonly hint?: string;
  /** The cause lies outside this component (a backend that is down): rolling its changes back would not help. */
  readonly external?: true;
  readonly reached?: Reached;
}

/** A name that a check reached as a client does. */
export interface Reached {
  readonly name: string;
  /** The answer to a request through the mesh, and how long it took; absent for a TLS handshake with the gateway. */
  readonly answer?: { readonly status: number; readonly ms: number };
}

export function passed(resource: ResourceId, claim: string, reached?: Reached): Check {
  return defined({ resource, claim, status: "pass" as const, reached });
}

/** @param observed what was seen instead, to follow the claim and a colon */
export function failed(resource: ResourceId, claim: string, observed: string, hint?: string): Check {
  return defined({ resource, claim, status: "fail", observed, hint });
}

/** The same failed check with its cause outside its component. */
export function external(check: Check): Check {
  return { ...check, external: true };
}

/** It failed, and its own component is the cause. */
export function isOwnFailure({ status, external }: Check): boolean {
  return status === "fail" && external !== true;
}

/** How a written change was made live. The summary line counts reloads and restarts. */
export interface Activation {
  readonly kind: "reload" | "restart";
  /** The unit or container: "nginx", "portainer_server". */
  readonly unit: string;
  readonly host: HostName;
}

/** Handed to a component, never imported by it. */
export interface Io {
  readonly site: Site;
  /** The host called `name`. Cheap: nothing is contacted until a command runs. */
  host(name: HostName): Host;
  readonly network: Network;
  readonly apis: Apis;
  /** A secret that is made once, kept on the hypervisor (0600), and found again on each run. */
  generatedSecret(name: string): Promise<Secret>;
  readonly clock: Clock;
  /** The address this session of the operator comes from, when it comes over the network. */
  readonly operator?: string;
  /** The operator's way to the hypervisor, tried anew: see `World.reconnect`. */
  readonly reconnect?: () => Promise<void>;
  /** Counts a reload or restart that was just done. */
  activated(activation: Activation): void;
  /**
   * Called by `read`, and by `apply` and `verify` for a machine that went down since: these could not be looked at. They are left
   * alone, neither changed nor proved, and the run says so; the others go on. A prerequisite that is missing is a NotReadyError.
   */
  unread(ids: readonly ResourceId[], error: PhoenixError): void;
  /** Called by `apply`: it was as desired already, which only this attempt could see. It is not counted as changed. */
  unchanged(id: ResourceId): void;
  /** One line about something a user may want to know: an existing volume with other options was kept. */
  note(text: string): void;
  /** What is waited for, and for how many milliseconds at most; shown while it lasts. */
  waiting(what: string, forMs: number): void;
  readonly signal: AbortSignal;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with InterruptedError when the run is interrupted. */
  sleep(ms: number): Promise<void>;
}
