/** Why what Phoenix makes is as it is: the places of the site that decide it, and what it is about. Only `phoenix why` asks. */
import type { HostName, Resource, ResourceId, SourceRef } from "./resource.ts";

/** A place of the site, and what it decides. */
export interface Origin {
  /** What declares it: the entry of a guest, a service, a rule, a label; the first line of a file for the whole file. */
  readonly at: SourceRef;
  /**
   * Keys below the entry, of which the first that is there decides: "network_config/ip", "sans/wiki.example.net" (an item of a list by its
   * text or name), "../ip" (beside the entry). Where none is there, Phoenix's default counts. Absent for the entry itself.
   */
  readonly keys?: readonly string[];
  /** Where none of its keys is there, it is left out: something else decides then. */
  readonly optional?: true;
  /** A clause that follows the place: "declares the name". */
  readonly says: string;
}

/** What a question can be about: "name:wiki.example.net", "guest:vm/311", "port:vm/311:3000", "stack:wiki". */
export type Subject = `${SubjectKind}:${string}`;

export type SubjectKind =
  | "name"
  | "address"
  | "guest"
  | "port"
  | "service"
  | "stack"
  | "container"
  | "variable"
  | "volume"
  | "network"
  | "file"
  | "certificate"
  | "environment"
  | "registry";

/** Why something is there, and as it is. */
export interface Reason {
  /** The most telling first. Without any, it is a fixed part of what Phoenix writes. */
  readonly origins: readonly Origin[];
  readonly about: readonly Subject[];
  /** What it is for, or what decides where no line of the site does. */
  readonly note?: string;
}

/** A line of a generated text. */
export interface LineReason extends Reason {
  /** The resource that the line belongs to, where several share a file. */
  readonly resource?: ResourceId;
  /** The unit of its resource that the line belongs to. */
  readonly unit?: string;
}

/** A text that Phoenix generates: a file, or the fields of an object behind an API. */
export interface GeneratedText {
  readonly host: HostName;
  /** Absent for an object behind an API. */
  readonly path?: string;
  readonly text: string;
  /** The text holds secrets: it is not shown. */
  readonly sensitive?: true;
  /** One for each line of the text. */
  readonly lines: readonly LineReason[];
}

/** A desired resource with the reasons of everything in it. */
export interface Explained {
  readonly resource: Resource;
  /** Why the resource is there at all. */
  readonly why: Reason;
  /** One for each unit of the resource. */
  readonly units: ReadonlyMap<string, Reason>;
  readonly texts: readonly GeneratedText[];
}
