/**
 * Proxmox's firewall files, cluster.fw, host.fw and <vmid>.fw, as pve-firewall 6.0.4 reads them. Nothing that is in a file
 * gets lost: foreign sections, comments, empty lines and lines that Proxmox skips stay where they are, byte for byte. Pure.
 */
import { defined } from "../../defined.ts";
import { asBytes } from "./bytes.ts";
import { readOption } from "./options.ts";
import { type FilePlace, type FwRule, parseRule, printRule } from "./rule.ts";

export type SectionKind = "preamble" | "options" | "aliases" | "rules" | "group" | "ipset";

/** What a line says. Proxmox skips a `skipped` one with a warning: `fault`, as it stands behind "FILE (line N)". */
type Content =
  | { readonly kind: "remark"; readonly text: string }
  | { readonly kind: "option"; readonly key: string; readonly value: string }
  | { readonly kind: "alias"; readonly name: string; readonly range: string; readonly comment?: string }
  | { readonly kind: "entry"; readonly address: string; readonly nomatch: boolean; readonly comment?: string }
  | { readonly kind: "rule"; readonly rule: FwRule }
  | { readonly kind: "skipped"; readonly text: string; readonly fault: string };

/** One line within a section; `raw` is how it stands in the file that it was read from. An empty line is a remark. */
export type Line = Content & { readonly raw?: string };

export interface Section {
  /** "preamble" for lines of no section: those before the first, and those behind a header that Proxmox refuses. */
  readonly kind: SectionKind;
  /** Of a group or IP set. */
  readonly name?: string;
  readonly comment?: string;
  /** The empty lines before the header and the header itself, as they stand in the file that it was read from. */
  readonly raw?: string;
  readonly lines: readonly Line[];
}

export interface FirewallFile {
  readonly sections: readonly Section[];
  /** The last line has no line end. */
  readonly isUnended?: true;
}

export const emptyFile: FirewallFile = { sections: [] };

/** The sections that a file can have; a header of any other is a line of the section before it. */
const sectionsOf: Readonly<Record<FilePlace, readonly SectionKind[]>> = {
  cluster: ["options", "aliases", "ipset", "rules", "group"],
  host: ["options", "rules"],
  guest: ["options", "aliases", "ipset", "rules"],
};

type OpenSection = Section & { lines: Line[] };

/** Reads a file; `printFirewall` gives the same text again. */
export function parseFirewall(text: string, place: FilePlace = "cluster"): FirewallFile {
  const sections: OpenSection[] = [];
  const rows = text.split("\n");
  const isUnended = rows.pop() !== "";
  if (isUnended) rows.push(text.slice(text.lastIndexOf("\n") + 1));
  const inSection = (): OpenSection => {
    const last = sections.at(-1);
    if (last !== undefined) return last;
    const first: OpenSection = { kind: "preamble", lines: [] };
    sections.push(first);
    return first;
  };
  let gap = "";
  for (const raw of rows) {
    if (isEmptyLine(raw)) {
      gap += `${raw}\n`;
      continue;
    }
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, "");
    const header = headerOf(line, place);
    if (header === undefined) {
      const section = inSection();
      section.lines.push(...emptyLines(gap), { ...lineOf(section.kind, line, place), raw });
    } else sections.push(withRaw(header, gap, raw));
    gap = "";
  }
  if (gap !== "") inSection().lines.push(...emptyLines(gap));
  return isUnended ? { sections, isUnended } : { sections };
}

const emptyPattern = asBytes(/^\s*$/);

/** Whether Proxmox passes over a line without a word. */
function isEmptyLine(raw: string): boolean {
  return emptyPattern.test(raw);
}

function emptyLines(gap: string): readonly Line[] {
  return gap
    .split("\n")
    .slice(0, -1)
    .map((raw) => ({ kind: "remark", text: "", raw }));
}

/** A header that Proxmox refuses is a line of no section. */
function withRaw(header: OpenSection, gap: string, raw: string): OpenSection {
  const [refused] = header.lines;
  if (refused === undefined) return { ...header, raw: `${gap}${raw}` };
  return { ...header, lines: [...emptyLines(gap), { ...refused, raw }] };
}

/** The longest names of groups and IP sets. */
const nameLimits = { group: 18, ipset: 64 } as const;

const plainHeader = /^\[(options|aliases|rules)\]$/i;
const namedHeader = asBytes(/^\[(group|ipset)\s+(\S+)\]\s*(?:#\s*(.*?)\s*)?$/i);

function headerOf(line: string, place: FilePlace): OpenSection | undefined {
  const [, plain] = plainHeader.exec(line) ?? [];
  const [, named, written = "", comment] = namedHeader.exec(line) ?? [];
  const kind = (plain ?? named)?.toLowerCase() as SectionKind | undefined;
  if (kind === undefined || !sectionsOf[place].includes(kind)) return undefined;
  if (kind !== "group" && kind !== "ipset") return { kind, lines: [] };
  const name = written.toLowerCase();
  const what = kind === "group" ? "security group" : "ipset";
  const refuse = (fault: string): OpenSection => ({ kind: "preamble", lines: [skipped(line, `: ${fault}`)] });
  if (name.length > nameLimits[kind]) return refuse(`${what} name too long`);
  if (!/^[a-z][a-z0-9_-]+$/.test(name)) return refuse(`invalid ${what} name '${name}'`);
  return { kind, name, ...defined({ comment: comment || undefined }), lines: [] };
}

const commentPattern = asBytes(/\s*#\s*(.*?)\s*$/);
const aliasPattern = asBytes(/^(\S+)\s(\S+)$/);
const entryPattern = asBytes(/^(!)?\s*(\S+)\s*$/);

function lineOf(kind: SectionKind, line: string, place: FilePlace): Line {
  if (line.startsWith("#")) return { kind: "remark", text: line };
  const comment = commentPattern.exec(line)?.[1] || undefined;
  const code = line.replace(commentPattern, "");
  switch (kind) {
    case "preamble":
      return skipped(line, ": skip line - no section");
    case "options": {
      const option = readOption(line, place);
      return "fault" in option ? skipped(line, `: ${option.fault}`) : { kind: "option", ...option };
    }
    case "aliases": {
      const [, name = "", range = ""] = aliasPattern.exec(code) ?? [];
      if (name === "") return skipped(line, `: unable to parse alias: ${line}`);
      return { kind: "alias", name, range, ...defined({ comment }) };
    }
    case "ipset": {
      // Several words are an entry without an address, which Proxmox keeps with an error.
      const [, bang, address = code] = entryPattern.exec(code) ?? [];
      return { kind: "entry", address, nomatch: bang !== undefined, ...defined({ comment }) };
    }
    default: {
      const parsed = parseRule(line);
      return "rule" in parsed ? { kind: "rule", rule: parsed.rule } : skipped(line, parsed.fault);
    }
  }
}

function skipped(text: string, fault: string): Line {
  return { kind: "skipped", text, fault };
}

/** The file's text. What was read is printed as it was; a new section has an empty line before it. An empty file is "". */
export function printFirewall({ sections, isUnended }: FirewallFile): string {
  const rows: string[] = [];
  let isBehindNew = false;
  for (const section of sections) {
    const header = section.raw ?? headerText(section);
    const isNew = section.raw === undefined && section.kind !== "preamble";
    const hasGap = isEmptyLine(rows.at(-1) ?? "") || /^\s*\n/.test(header ?? "");
    if ((isNew || isBehindNew) && !hasGap) rows.push("");
    isBehindNew = isNew;
    if (header !== undefined) rows.push(header);
    for (const line of section.lines) rows.push(lineText(line));
  }
  return rows.length === 0 ? "" : `${rows.join("\n")}${isUnended === true ? "" : "\n"}`;
}

/** How large the printed file is, in bytes. */
export function printedSize(file: FirewallFile): number {
  return new TextEncoder().encode(printFirewall(file)).length;
}

/** The header of a section as Proxmox itself writes it; a preamble has none. */
export function headerText({ kind, name, comment }: Section): string | undefined {
  const after = comment === undefined ? "" : ` # ${comment}`;
  switch (kind) {
    case "preamble":
      return undefined;
    case "group":
      return `[group ${name}]${after}`;
    case "ipset":
      return `[IPSET ${name}]${after}`;
    default:
      return `[${kind.toUpperCase()}]`;
  }
}

/** One line as it is printed: as it was read, or as Proxmox itself writes it. */
export function lineText(line: Line): string {
  if (line.raw !== undefined) return line.raw;
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
