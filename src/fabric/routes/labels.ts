/** A stack's Traefik labels: as its containers have them, and as the routers, services and middlewares that they declare. */
import { defined } from "../../defined.ts";
import type { ComposePort } from "../../formats/compose/index.ts";
import type { FaultAt } from "../../formats/fault.ts";
import type { SourceRef } from "../../resource.ts";

export interface LabelLine {
  readonly key: string;
  /** As the container gets it. Compose's `$$` is taken as `$` all the same. */
  readonly value: string;
  readonly from: SourceRef;
}

export interface LabelledContainer {
  readonly stack: string;
  readonly service: string;
  readonly labels: readonly LabelLine[];
  /** Those of another service whose network it uses. */
  readonly ports: readonly ComposePort[];
  readonly networkMode?: string;
  /** The service that publishes its ports, where that is another one: `network_mode: service:vpn`. */
  readonly publisher?: string;
  /** Of the virtual machine that runs it. */
  readonly address: string;
}

export type LabelFault = FaultAt<SourceRef>;

/** Collects the faults of labels. Both methods return undefined, so that a reader can end with them. */
export class LabelFaults {
  readonly all: LabelFault[] = [];

  error(place: SourceRef, message: string, hint?: string): undefined {
    this.all.push(defined({ message, place, hint }));
  }

  warn(place: SourceRef, message: string, hint?: string): undefined {
    this.all.push(defined({ message, place, hint, severity: "warning" }));
  }
}

export interface DeclaredRouter {
  readonly stack: string;
  readonly rule?: string;
  readonly service?: string;
  readonly priority?: number;
  readonly middlewares: readonly string[];
  readonly containers: readonly LabelledContainer[];
  /** Of the rule, where it has one. */
  readonly from: SourceRef;
  /** Of its other fields by their names, and of each middleware it names: "service", "middleware auth". */
  readonly places: ReadonlyMap<string, SourceRef>;
}

export interface DeclaredService {
  readonly name: string;
  readonly containers: readonly LabelledContainer[];
  readonly from: SourceRef;
  /** `loadbalancer.server.…` of each container: "web port", "web scheme", "web url". */
  readonly servers: ReadonlyMap<string, LabelLine>;
  readonly loadBalancer: Readonly<Record<string, unknown>>;
}

/** The place of a word in a label's value; of the whole label where it was not written in the plain way. */
export function placeOfWord({ key, value, from }: LabelLine, word: string): SourceRef {
  const { column, endColumn = column } = from;
  for (const text of [`${key}=${value}`, value]) {
    // As it is, or between quotes.
    const quotes = endColumn - column - text.length;
    const at = text.lastIndexOf(word);
    if ((quotes !== 0 && quotes !== 2) || at < 0) continue;
    const start = column + quotes / 2 + at;
    return { ...from, column: start, endColumn: start + word.length };
  }
  return from;
}

/** A service without any labels. */
export function newService(name: string, from: SourceRef): DeclaredService {
  return { name, containers: [], from, servers: new Map(), loadBalancer: {} };
}

export interface DeclaredMiddleware {
  readonly options: Readonly<Record<string, unknown>>;
  readonly from: SourceRef;
}

export interface Labels {
  readonly routers: ReadonlyMap<string, DeclaredRouter>;
  readonly services: ReadonlyMap<string, DeclaredService>;
  readonly middlewares: ReadonlyMap<string, DeclaredMiddleware>;
  /** Routes ("<stack>-<router>") that were meant for TLS. */
  readonly secure: ReadonlySet<string>;
}

/** The hint beside what labels may name and nothing in the site declares. */
export const askedOfMesh = "a sync looks for it in the mesh's own files before it writes routes";
