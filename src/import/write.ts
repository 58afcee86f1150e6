/** From a draft to files: JSON as a person would write it, with comments that tell where each value was read. Pure. */
import type { GuestName } from "../resource.ts";
import { siteFiles } from "../site/shapes/files.ts";
import type { Draft } from "./draft.ts";
import { type Source, sourceText } from "./found.ts";
import { type DraftObject, type DraftValue, isList, Noted, plain } from "./json.ts";
import { reportText } from "./report.ts";

export interface SiteFile {
  /** Relative to the site's root. */
  readonly path: string;
  readonly text: string;
  /** Octal digits, where it is not an ordinary file's. */
  readonly mode?: string;
  /** Where on the machines a line was read, by the line's number: what a change of it is traced back to. */
  readonly sources: ReadonlyMap<number, Source>;
}

/** The order of the files' keys; others follow as they come. */
const order = {
  config: [
    "$schema",
    "domain_name",
    "network",
    "mount_point_base",
    "docker",
    "portainer_api",
    "dns_server",
    "step_ca",
    "firewall",
  ],
  guest: [
    "name",
    "fabric_role",
    "is_template",
    "start_at_boot",
    "network_config",
    "mount_points",
    "volumes",
    "traefik_service",
  ],
} as const;

export function filesOf(draft: Draft): readonly SiteFile[] {
  const guests = (kind: "lxc" | "vm"): DraftObject =>
    Object.fromEntries(
      [...draft.guests]
        .filter(([host]) => host.startsWith(kind))
        .map(([host, entry]) => [idOf(host), ordered(entry, order.guest)]),
    );
  return [
    jsonFile(siteFiles.hypervisor, ordered(draft.config, order.config)),
    jsonFile(siteFiles.lxc, { lxc_configs: guests("lxc") }),
    jsonFile(siteFiles.vm, { vms: guests("vm") }),
    ...(draft.certificates.length === 0 ? [] : [jsonFile(siteFiles.certificates, draft.certificates)]),
    ...draft.stacks.flatMap(({ name, compose, settings, files = [] }) => [
      textFile(`stacks/${name}/${compose.path}`, compose.text),
      ...(settings === undefined ? [] : [jsonFile(`stacks/${name}/phoenix.json`, settings)]),
      ...files.map(({ path, text }) => textFile(`stacks/${name}/${path}`, text)),
    ]),
    { ...textFile("IMPORT.md", reportText(draft.left)) },
  ];
}

function idOf(host: GuestName): string {
  return host.slice(host.indexOf("/") + 1);
}

function textFile(path: string, text: string): SiteFile {
  return { path, text, sources: new Map() };
}

function ordered(value: DraftValue, keys: readonly string[]): DraftValue {
  if (value instanceof Noted) return new Noted(ordered(value.value, keys), value.source, value.note);
  if (typeof value !== "object" || isList(value)) return value;
  const first = keys.filter((key) => value[key] !== undefined);
  const others = Object.keys(value).filter((key) => !keys.includes(key));
  return Object.fromEntries([...first, ...others].map((key) => [key, value[key]]));
}

/** How wide a value may be on one line. */
const width = 120;

function jsonFile(path: string, value: DraftValue): SiteFile {
  const lines: string[] = [];
  const sources = new Map<number, Source>();
  print(value, "", "", "", undefined, lines, sources);
  return { path, text: `${lines.join("\n")}\n`, sources };
}

/** Prints a value behind `head` and before `tail`, on one line where it has no places of its own and fits. */
function print(
  value: DraftValue,
  indent: string,
  head: string,
  tail: string,
  from: Source | undefined,
  lines: string[],
  sources: Map<number, Source>,
): void {
  if (value instanceof Noted) {
    const said = [value.source && sourceText(value.source), value.note].filter(Boolean).join(": ");
    const line = oneLine(value.value);
    const source = value.source ?? from;
    if (line !== undefined && indent.length + head.length + line.length <= width) {
      put(`${indent}${head}${line}${tail}${said === "" ? "" : ` // ${said}`}`, source, lines, sources);
      return;
    }
    if (said !== "") put(`${indent}// ${said}`, source, lines, sources);
    print(value.value, indent, head, tail, source, lines, sources);
    return;
  }
  const line = oneLine(value);
  const isTop = indent === "" && head === "";
  if (
    line !== undefined &&
    !isTop &&
    (typeof value !== "object" || indent.length + head.length + line.length <= width)
  ) {
    put(`${indent}${head}${line}${tail}`, from, lines, sources);
    return;
  }
  if (typeof value !== "object") return;
  const entries = isList(value)
    ? value.map((item) => ["", item] as const)
    : Object.entries(value).flatMap(([key, member]) =>
        member === undefined ? [] : [[`${JSON.stringify(key)}: `, member] as const],
      );
  const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"];
  put(`${indent}${head}${open}`, from, lines, sources);
  for (const [at, [key, member]] of entries.entries())
    print(member, `${indent}  `, key, at === entries.length - 1 ? "" : ",", from, lines, sources);
  put(`${indent}${close}${tail}`, from, lines, sources);
}

function put(text: string, source: Source | undefined, lines: string[], sources: Map<number, Source>): void {
  lines.push(text);
  if (source !== undefined) sources.set(lines.length, source);
}

/** The value on one line; undefined when it holds a place that a comment has to tell. */
function oneLine(value: DraftValue): string | undefined {
  if (holdsPlace(value)) return undefined;
  return spaced(plain(value));
}

function holdsPlace(value: DraftValue): boolean {
  if (value instanceof Noted) return true;
  if (typeof value !== "object") return false;
  return (isList(value) ? value : Object.values(value)).some(
    (each) => each !== undefined && holdsPlace(each),
  );
}

/** `{ "name": "nas", "ip": "10.0.0.5" }`. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
