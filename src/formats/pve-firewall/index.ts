/**
 * Proxmox's firewall files, cluster.fw and <vmid>.fw: reading, printing and changing them piece by piece. Nothing that is
 * in a file gets lost: foreign sections, comments and lines that nobody understands stay where they are. Pure.
 */
import { type FwRule, type ParsedRule, parseRule, printRule } from "./rule.ts";

export type SectionKind = "preamble" | "options" | "aliases" | "rules" | "group" | "ipset";

/** One line within a section. `strange` is one that Proxmox skips with a warning. */
export type Line =
  | { readonly kind: "remark"; readonly text: string }
  | { readonly kind: "option"; readonly key: string; readonly value: string }
  | { readonly kind: "alias"; readonly name: string; readonly range: string; readonly comment?: string }
  | {
      readonly kind: "entry";
      readonly address: string;
      readonly nomatch: boolean;
      readonly comment?: string;
    }
  | { readonly kind: "rule"; readonly rule: FwRule }
  | { readonly kind: "strange"; readonly text: string; readonly fault: string };

export interface Section {
  readonly kind: SectionKind;
  /** Of a group or IP set. */
  readonly name?: string;
  readonly comment?: string;
  readonly lines: readonly Line[];
}

export interface FirewallFile {
  readonly sections: readonly Section[];
}

export const emptyFile: FirewallFile = { sections: [] };

/** Options of cluster.fw and of guests' files with the values that both of Proxmox's parsers take. */
const optionValues: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/^policy_(?:in|out|forward)$/, /^(?:ACCEPT|DROP|REJECT)$/],
  [/^(?:ebtables|dhcp|ndp|radv|macfilter|ipfilter|ips|nosmurfs|tcpflags|nftables)$/, /^[01]$/],
  [/^enable$/, /^\d+$/],
  [/^[a-z][a-z0-9_]*$/, /^\S.*$/],
];

/** Reads a file. Every line is kept, and blank lines are not. */
export function parseFirewall(text: string): FirewallFile {
  const sections: { kind: SectionKind; name?: string; comment?: string; lines: Line[] }[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "") continue;
    const header = raw.endsWith("\r") ? undefined : headerOf(line);
    if (header !== undefined) {
      sections.push({ ...header, lines: [] });
      continue;
    }
    const last = sections.at(-1);
    const section = last ?? { kind: "preamble" as const, lines: [] };
    if (last === undefined) sections.push(section);
    section.lines.push(lineOf(section.kind, line));
  }
  return { sections };
}

function headerOf(line: string): Omit<Section, "lines"> | undefined {
  const plain = /^\[(options|aliases|rules)\]\s*(?:#.*)?$/i.exec(line);
  if (plain !== null) return { kind: plain[1]?.toLowerCase() as SectionKind };
  const named = /^\[(group|ipset)\s+([A-Za-z][A-Za-z0-9_-]+)\]\s*(?:#\s*(.*))?$/i.exec(line);
  if (named === null) return undefined;
  const [, kind = "", name = "", comment = ""] = named;
  return {
    kind: kind.toLowerCase() as SectionKind,
    name: name.toLowerCase(),
    ...(comment === "" ? {} : { comment }),
  };
}

function lineOf(kind: SectionKind, line: string): Line {
  if (line.startsWith("#")) return { kind: "remark", text: line };
  switch (kind) {
    case "preamble":
      return strange(line, "skip line - no section");
    case "options": {
      const [, key = "", value = ""] = /^(\w+):\s*(\S.*)$/.exec(line) ?? [];
      const known = optionValues.find(([name]) => name.test(key));
      return known?.[1].test(value) === true
        ? { kind: "option", key, value }
        : strange(line, `can't parse option '${line}'`);
    }
    case "aliases": {
      const match = /^([A-Za-z][A-Za-z0-9_-]+) (\S+)\s*(?:#\s*(.*))?$/.exec(line);
      if (match === null) return strange(line, `unable to parse alias: ${line}`);
      const [, name = "", range = "", comment = ""] = match;
      return { kind: "alias", name, range, ...(comment === "" ? {} : { comment }) };
    }
    case "ipset": {
      const match = /^(!?)\s*(\S+)\s*(?:#\s*(.*))?$/.exec(line);
      if (match === null) return strange(line, `unable to parse ip set entry: ${line}`);
      const [, bang = "", address = "", comment = ""] = match;
      return { kind: "entry", address, nomatch: bang === "!", ...(comment === "" ? {} : { comment }) };
    }
    default: {
      const parsed: ParsedRule = parseRule(line);
      return "rule" in parsed ? { kind: "rule", rule: parsed.rule } : strange(line, parsed.fault);
    }
  }
}

function strange(text: string, fault: string): Line {
  return { kind: "strange", text, fault };
}

/** The file's text: one blank line between sections, none at its end. An empty file is "". */
export function printFirewall({ sections }: FirewallFile): string {
  return sections
    .map((section) =>
      [...headerText(section), ...section.lines.map(lineText)].map((line) => `${line}\n`).join(""),
    )
    .join("\n");
}

/** How large the printed file is, in bytes. */
export function printedSize(file: FirewallFile): number {
  return new TextEncoder().encode(printFirewall(file)).length;
}

function headerText({ kind, name, comment }: Section): readonly string[] {
  const after = comment === undefined ? "" : ` # ${comment}`;
  switch (kind) {
    case "preamble":
      return [];
    case "group":
      return [`[group ${name}]${after}`];
    case "ipset":
      return [`[IPSET ${name}]${after}`];
    default:
      return [`[${kind.toUpperCase()}]`];
  }
}

/** One line as it is printed. */
export function lineText(line: Line): string {
  const after = "comment" in line && line.comment !== undefined ? ` # ${line.comment}` : "";
  switch (line.kind) {
    case "option":
      return `${line.key}: ${line.value}`;
    case "alias":
      return `${line.name} ${line.range}${after}`;
    case "entry":
      return `${line.nomatch ? "!" : ""}${line.address}${after}`;
    case "rule":
      return printRule(line.rule);
    default:
      return line.text;
  }
}

/** The value of an option; the last one given counts. */
export function optionOf(file: FirewallFile, key: string): string | undefined {
  const values = file.sections
    .filter(({ kind }) => kind === "options")
    .flatMap(({ lines }) => lines)
    .flatMap((line) => (line.kind === "option" && line.key === key ? [line.value] : []));
  return values.at(-1);
}

/** The rules of [RULES], in order. */
export function rulesOf(file: FirewallFile): readonly FwRule[] {
  return file.sections.filter(({ kind }) => kind === "rules").flatMap(sectionRules);
}

/** Rules of each group by its name. Of several sections of one name the last counts. */
export function groupsOf(file: FirewallFile): ReadonlyMap<string, readonly FwRule[]> {
  return new Map(
    file.sections.flatMap((section) =>
      section.kind === "group" && section.name !== undefined
        ? [[section.name, sectionRules(section)] as const]
        : [],
    ),
  );
}

export function groupNames(file: FirewallFile): readonly string[] {
  return file.sections.flatMap(({ kind, name }) => (kind === "group" && name !== undefined ? [name] : []));
}

export function sectionRules({ lines }: Section): readonly FwRule[] {
  return lines.flatMap((line) => (line.kind === "rule" ? [line.rule] : []));
}
