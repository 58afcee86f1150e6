/** Changes to a firewall file that leave everything else in it where it is. Pure. */
import { defined } from "../../defined.ts";
import { type FirewallFile, headerText, type Line, lineText, rulesOf, type Section } from "./index.ts";
import type { FwRule } from "./rule.ts";
import { catchAll } from "./shadow.ts";

/** Sets an option, or removes it. A new one goes to the first [OPTIONS], which is created at the top if it is missing. */
export function withOption(file: FirewallFile, key: string, value: string | undefined): FirewallFile {
  const isIt = (line: Line): boolean => line.kind === "option" && line.key === key;
  return withLines(file, "options", isIt, value === undefined ? [] : [{ kind: "option", key, value }]);
}

/**
 * Replaces the rules of [RULES] that are ours: where the first of them was, or at the end where there was none, and in any case
 * in front of a foreign rule that lets nothing through. Foreign rules keep their order.
 * @param groups the rules of each group of cluster.fw; none unless given
 */
export function withRules(
  file: FirewallFile,
  isOurs: (rule: FwRule) => boolean,
  rules: readonly FwRule[],
  groups: ReadonlyMap<string, readonly FwRule[]> = new Map(),
): FirewallFile {
  const isIt = (line: Line): boolean => line.kind === "rule" && isOurs(line.rule);
  const lines = rules.map(ruleLine);
  const end = catchAll(rulesOf(file), isOurs, rules, groups);
  const isBehind = end !== undefined && isBehindRule(file, end, isOurs);
  if (end === undefined || lines.length === 0 || !(isBehind || !hasAny(file, isIt)))
    return withLines(file, "rules", isIt, lines);
  const without = withLines(file, "rules", isIt, []);
  return {
    ...without,
    sections: without.sections.map((section) => {
      const at = section.lines.findIndex((line) => line.kind === "rule" && line.rule === end);
      const [before, behind] = [section.lines.slice(0, at), section.lines.slice(at)];
      return at < 0 ? section : { ...section, lines: [...before, ...lines, ...behind] };
    }),
  };
}

/** Whether a rule of ours stands behind another one. */
export function isBehindRule(file: FirewallFile, end: FwRule, isOurs: (rule: FwRule) => boolean): boolean {
  const rules = rulesOf(file);
  return rules.slice(rules.indexOf(end) + 1).some(isOurs);
}

function hasAny({ sections }: FirewallFile, isIt: (line: Line) => boolean): boolean {
  return sections.some(({ kind, lines }) => kind === "rules" && lines.some(isIt));
}

function ruleLine(rule: FwRule): Line {
  return { kind: "rule", rule };
}

/**
 * Replaces old lines, where the first of them was; without one, appends to the section, which is created if it is missing. Lines
 * that say the same already stay as they are written.
 */
function withLines(
  file: FirewallFile,
  kind: "options" | "rules",
  isOld: (line: Line) => boolean,
  lines: readonly Line[],
): FirewallFile {
  const old = file.sections
    .filter((section) => section.kind === kind)
    .flatMap((section) => section.lines.filter(isOld));
  if (old.map(plainText).join("\n") === lines.map(plainText).join("\n")) return file;
  let placed = lines.length === 0;
  const sections = file.sections.flatMap((section): readonly Section[] => {
    if (section.kind !== kind || !section.lines.some(isOld)) return [section];
    const next = section.lines.flatMap((line): readonly Line[] => {
      if (!isOld(line)) return [line];
      if (placed) return [];
      placed = true;
      return lines;
    });
    // A section of which nothing is left but what Phoenix took away goes as well.
    return next.every(isEmptyLine) ? [] : [{ ...section, lines: next }];
  });
  if (placed) return { sections: withoutTopGap(file.sections[0], sections) };
  const kinds = sections.map((section) => section.kind);
  const at = kind === "options" ? kinds.indexOf(kind) : kinds.lastIndexOf(kind);
  const found = sections[at];
  if (found !== undefined) sections[at] = { ...found, lines: appended(found.lines, lines) };
  else {
    // Options come first, rules before the first group, as Proxmox writes them.
    const top = kinds[0] === "preamble" ? 1 : 0;
    const group = kinds.includes("group") ? kinds.indexOf("group") : kinds.length;
    sections.splice(kind === "options" ? top : group, 0, { kind, lines });
  }
  return { sections };
}

/** A first section that is gone takes the empty line behind it with it. */
function withoutTopGap(first: Section | undefined, [next, ...more]: readonly Section[]): readonly Section[] {
  if (next === undefined) return [];
  const isGone = first !== next && (first?.kind !== next.kind || first.name !== next.name);
  return [
    isGone && next.raw !== undefined ? { ...next, raw: next.raw.replace(/^\s*\n/, "") } : next,
    ...more,
  ];
}

/** What a line says, however it is written. */
function plainText({ raw: _, ...line }: Line): string {
  return lineText(line as Line);
}

function isEmptyLine(line: Line): boolean {
  return line.kind === "remark" && line.text === "";
}

/** Lines at the end, before the empty lines that end the file. */
function appended(lines: readonly Line[], more: readonly Line[]): readonly Line[] {
  const at = lines.findLastIndex((line) => !isEmptyLine(line)) + 1;
  return [...lines.slice(0, at), ...more, ...lines.slice(at)];
}

/** The content of a group. */
export interface GroupContent {
  readonly comment?: string;
  readonly rules: readonly FwRule[];
}

/** Replaces whole groups by name, or removes them (undefined); new ones go to the end. Second sections of a name go too. */
export function withGroups(
  file: FirewallFile,
  groups: ReadonlyMap<string, GroupContent | undefined>,
): FirewallFile {
  const left = new Map(groups);
  const sections: Section[] = [];
  for (const section of file.sections) {
    const { kind, name = "" } = section;
    const content = left.get(name);
    if (kind !== "group" || !groups.has(name)) sections.push(section);
    else if (content !== undefined) sections.push(withContent(section, name, content));
    else appendRemarks(sections, remarksBehind(section));
    if (kind === "group") left.delete(name);
  }
  for (const [name, content] of left) if (content !== undefined) sections.push(groupSection(name, content));
  const isSame =
    sections.length === file.sections.length && sections.every((each, at) => each === file.sections[at]);
  return isSame ? file : { sections };
}

function withContent(section: Section, name: string, content: GroupContent): Section {
  const next = groupSection(name, content);
  const behind = remarksBehind(section);
  const own = section.lines.slice(0, section.lines.length - behind.length);
  const isSame = own.map(plainText).join("\n") === next.lines.map(plainText).join("\n");
  if (isSame && section.comment === next.comment) return section;
  const gap = /^\s*\n/.exec(section.raw ?? "")?.[0] ?? "";
  const raw = section.raw === undefined ? {} : { raw: `${gap}${headerText(next)}` };
  return { ...next, ...raw, lines: [...next.lines, ...behind] };
}

/** Remarks and empty lines at the end of a section: they are about what comes next, and not a part of it. */
function remarksBehind({ lines }: Section): readonly Line[] {
  return lines.slice(lines.findLastIndex(({ kind }) => kind !== "remark") + 1);
}

function appendRemarks(sections: Section[], remarks: readonly Line[]): void {
  if (remarks.length === 0) return;
  const last = sections.pop() ?? { kind: "preamble", lines: [] };
  sections.push({ ...last, lines: [...last.lines, ...remarks] });
}

function groupSection(name: string, { comment, rules }: GroupContent): Section {
  return { kind: "group", name, ...defined({ comment }), lines: rules.map(ruleLine) };
}

/** Whether the file says nothing: it has no group and no set, and no line in its other sections. */
export function isEmpty({ sections }: FirewallFile): boolean {
  return sections.every(({ name, lines }) => name === undefined && lines.every(isEmptyLine));
}
