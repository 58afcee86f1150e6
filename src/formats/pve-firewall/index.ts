/**
 * Proxmox's firewall files, cluster.fw, host.fw and <vmid>.fw, as pve-firewall 6.0.4 reads them. Nothing that is in a file
 * gets lost: foreign sections, comments and lines that Proxmox skips stay where they are. Pure.
 */
import { defined } from "../../defined.ts";
import { readOption } from "./options.ts";
import { type FilePlace, type FwRule, type ParsedRule, parseRule, printRule } from "./rule.ts";

export type SectionKind = "preamble" | "options" | "aliases" | "rules" | "group" | "ipset";

/** One line within a section. Proxmox skips a `skipped` one with a warning: `fault`, as it stands behind "FILE (line N)". */
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
  | { readonly kind: "skipped"; readonly text: string; readonly fault: string };

export interface Section {
  /** "preamble" for lines of no section: those before the first, and those behind a header that Proxmox refuses. */
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

/** The sections that a file can have; a header of any other is a line of the section before it. */
const sectionsOf: Readonly<Record<FilePlace, readonly SectionKind[]>> = {
  cluster: ["options", "aliases", "ipset", "rules", "group"],
  host: ["options", "rules"],
  guest: ["options", "aliases", "ipset", "rules"],
};

/** Reads a file. Every line is kept except empty ones. */
export function parseFirewall(text: string, place: FilePlace = "cluster"): FirewallFile {
  const sections: (Section & { lines: Line[] })[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, "");
    if (line === "") continue;
    const header = headerOf(line, place);
    if (header !== undefined) {
      sections.push(header);
      continue;
    }
    if (sections.length === 0) sections.push({ kind: "preamble", lines: [] });
    const section = sections.at(-1);
    section?.lines.push(lineOf(section.kind, line, place));
  }
  return { sections };
}

/** The longest names of groups and IP sets. */
const nameLimits = { group: 18, ipset: 64 } as const;

function headerOf(line: string, place: FilePlace): (Section & { lines: Line[] }) | undefined {
  const [, plain] = /^\[(options|aliases|rules)\]$/i.exec(line) ?? [];
  const [, named, written = "", comment] = /^\[(group|ipset)\s+(\S+)\]\s*(?:#\s*(.*))?$/i.exec(line) ?? [];
  const kind = (plain ?? named)?.toLowerCase() as SectionKind | undefined;
  if (kind === undefined || !sectionsOf[place].includes(kind)) return undefined;
  if (kind !== "group" && kind !== "ipset") return { kind, lines: [] };
  const name = written.toLowerCase();
  const what = kind === "group" ? "security group" : "ipset";
  const refuse = (fault: string): Section & { lines: Line[] } => ({
    kind: "preamble",
    lines: [skipped(line, `: ${fault}`)],
  });
  if (name.length > nameLimits[kind]) return refuse(`${what} name too long`);
  if (!/^[a-z][a-z0-9_-]+$/.test(name)) return refuse(`invalid ${what} name '${name}'`);
  return { kind, name, ...defined({ comment: comment || undefined }), lines: [] };
}

function lineOf(kind: SectionKind, line: string, place: FilePlace): Line {
  if (line.startsWith("#")) return { kind: "remark", text: line };
  switch (kind) {
    case "preamble":
      return skipped(line, ": skip line - no section");
    case "options": {
      const option = readOption(line, place);
      return option === undefined
        ? skipped(line, `: can't parse option '${line}'`)
        : { kind: "option", ...option };
    }
    case "aliases": {
      const [, name = "", range = "", comment] = /^(\S+)\s(\S+?)\s*(?:#\s*(.*))?$/.exec(line) ?? [];
      if (name === "") return skipped(line, `: unable to parse alias: ${line}`);
      return { kind: "alias", name, range, ...defined({ comment: comment || undefined }) };
    }
    case "ipset": {
      const [, bang = "", address = "", comment] = /^(!?)\s*([^#]*?)\s*(?:#\s*(.*))?$/.exec(line) ?? [];
      return { kind: "entry", address, nomatch: bang === "!", ...defined({ comment: comment || undefined }) };
    }
    default: {
      const parsed: ParsedRule = parseRule(line);
      return "rule" in parsed ? { kind: "rule", rule: parsed.rule } : skipped(line, parsed.fault);
    }
  }
}

function skipped(text: string, fault: string): Line {
  return { kind: "skipped", text, fault };
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
    file.sections
      .filter(({ kind }) => kind === "group")
      .map((section) => [section.name ?? "", sectionRules(section)]),
  );
}

export function sectionRules({ lines }: Section): readonly FwRule[] {
  return lines.flatMap((line) => (line.kind === "rule" ? [line.rule] : []));
}
