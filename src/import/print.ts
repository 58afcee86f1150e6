/** A document of the site as a person would write it: JSON with comments that tell where its values were read. Pure. */
import { type Source, sourceText } from "./found.ts";
import { type DraftValue, isList, Noted, plain } from "./json.ts";

export interface Printed {
  readonly text: string;
  /** The lines of every noted value, outer ones before those within. */
  readonly places: readonly Place[];
}

/** Lines, counted from 1, of a value whose origin is known. */
export interface Place {
  readonly first: number;
  readonly last: number;
  readonly value: Noted;
}

/** Keys that come first in their object, in this order. */
const order = [
  "$schema",
  "domain_name",
  "vmid",
  "common_name",
  "name",
  "description",
  "fabric_role",
  "portainer_role",
  "swarm",
  "swarm_role",
  "environment_name",
  "enabled",
  "default_input_policy",
  "default_output_policy",
  "upstream_servers",
  "is_template",
  "start_at_boot",
  "network",
  "mount_point_base",
  "dns_server",
  "step_ca",
  "docker",
  "portainer_api",
  "swarms",
  "network_config",
  "mount_points",
  "volumes",
  "traefik_service",
  "docker_stacks",
  "firewall",
  "dns_records",
];

/** How wide a value may be on one line: a firewall rule fits; its comment comes on top. */
const width = 170;

export function printed(value: DraftValue): Printed {
  const printer = new Printer();
  printer.print(value, { indent: "", head: "", tail: "", within: undefined });
  return { text: `${printer.lines.join("\n")}\n`, places: printer.places };
}

interface Position {
  readonly indent: string;
  /** What stands before the value on its first line: its key. */
  readonly head: string;
  /** What stands behind it: a comma. */
  readonly tail: string;
  /** The source that a comment above has told. */
  readonly within: Source | undefined;
}

class Printer {
  readonly lines: string[] = [];
  readonly places: Place[] = [];

  print(value: DraftValue, at: Position): void {
    const line = value instanceof Noted ? undefined : oneLine(value);
    if (value instanceof Noted) this.#noted(value, at);
    else if (line !== undefined && (fits(line, at) || typeof value !== "object")) this.#put(at, line);
    else this.#block(value, at);
  }

  /** The comment stands behind a value of one line, and above a longer one. */
  #noted(noted: Noted, at: Position): void {
    const first = this.lines.length + 1;
    const index = this.places.push({ first, last: first, value: noted }) - 1;
    const { value, source, note } = noted;
    const comment = [source && placeText(source, at.within), note].filter(Boolean).join(": ");
    const line = oneLine(value);
    if (line !== undefined && (fits(line, at) || typeof value !== "object"))
      this.#put(at, line, comment === "" ? "" : ` // ${comment}`);
    else {
      if (comment !== "") this.lines.push(`${at.indent}// ${comment}`);
      if (value instanceof Noted) this.#noted(value, { ...at, within: source ?? at.within });
      else this.#block(value, { ...at, within: source ?? at.within });
    }
    this.places[index] = { first, last: this.lines.length, value: noted };
  }

  /** An object or a list, a member a line. */
  #block(value: DraftValue, at: Position): void {
    if (typeof value !== "object") return;
    const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"];
    const members: readonly (readonly [string, DraftValue])[] = isList(value)
      ? value.map((item) => ["", item] as const)
      : membersOf(value);
    const shared = isList(value) ? sharedFile(value) : undefined;
    const told = shared !== undefined && placeText(shared, at.within) !== "";
    if (told) this.lines.push(`${at.indent}// ${sourceText(shared)}`);
    this.#put({ ...at, tail: "" }, open);
    for (const [index, [head, member]] of members.entries())
      this.print(member, {
        indent: `${at.indent}  `,
        head,
        tail: index === members.length - 1 ? "" : ",",
        within: shared ?? at.within,
      });
    this.#put({ ...at, head: "" }, close);
  }

  #put({ indent, head, tail }: Position, text: string, comment = ""): void {
    this.lines.push(`${indent}${head}${text}${tail}${comment}`);
  }
}

function fits(line: string, { indent, head }: Position): boolean {
  return indent !== "" && indent.length + head.length + line.length <= width;
}

/** "line 12" in the file that a comment above has named; "" when that comment names the line as well. */
function placeText(source: Source, within: Source | undefined): string {
  if (within === undefined || source.host !== within.host || source.path !== within.path)
    return sourceText(source);
  return source.line === undefined || source.line === within.line ? "" : `line ${source.line}`;
}

/** The file that all of several items were read from. */
function sharedFile(items: readonly DraftValue[]): Source | undefined {
  const sources = items.map((item) => (item instanceof Noted ? item.source : undefined));
  const [first] = sources;
  if (first === undefined || sources.length < 2) return undefined;
  const isSame = sources.every((each) => each?.host === first.host && each.path === first.path);
  return isSame ? { host: first.host, path: first.path } : undefined;
}

function membersOf(value: object): readonly (readonly [head: string, member: DraftValue])[] {
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.entries(value)
    .filter((entry): entry is [string, DraftValue] => entry[1] !== undefined)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([key, member]) => [`${JSON.stringify(key)}: `, member]);
}

/** The value on one line; undefined when it holds a value that has a comment of its own. */
function oneLine(value: DraftValue): string | undefined {
  return holdsNoted(value) ? undefined : spaced(plain(value));
}

function holdsNoted(value: DraftValue): boolean {
  if (value instanceof Noted) return true;
  if (typeof value !== "object") return false;
  return (isList(value) ? value : Object.values(value)).some(
    (each) => each !== undefined && holdsNoted(each),
  );
}

/** `{ "name": "nas", "ip": "10.0.0.5" }`. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
