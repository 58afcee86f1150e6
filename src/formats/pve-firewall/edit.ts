/** Changes to a firewall file that leave everything else in it where it is. Pure. */
import { defined } from "../../defined.ts";
import { type FirewallFile, type Line, type Section, sectionRules } from "./index.ts";
import type { FwRule } from "./rule.ts";

/** Sets an option, or removes it. A new one goes to the first [OPTIONS], which is created at the top if it is missing. */
export function withOption(file: FirewallFile, key: string, value: string | undefined): FirewallFile {
  const isIt = (line: Line): boolean => line.kind === "option" && line.key === key;
  return withLines(file, "options", isIt, value === undefined ? [] : [{ kind: "option", key, value }]);
}

/**
 * Replaces the rules of [RULES] that are ours: where the first of them was, or at the end where there was none. Foreign rules
 * keep their order.
 */
export function withRules(
  file: FirewallFile,
  isOurs: (rule: FwRule) => boolean,
  rules: readonly FwRule[],
): FirewallFile {
  const isIt = (line: Line): boolean => line.kind === "rule" && isOurs(line.rule);
  return withLines(file, "rules", isIt, rules.map(ruleLine));
}

function ruleLine(rule: FwRule): Line {
  return { kind: "rule", rule };
}

/** Replaces old lines, where the first of them was; without one, appends to the section, which is created if it is missing. */
function withLines(
  file: FirewallFile,
  kind: "options" | "rules",
  isOld: (line: Line) => boolean,
  lines: readonly Line[],
): FirewallFile {
  let placed = lines.length === 0;
  const sections = file.sections.map((section): Section => {
    if (section.kind !== kind) return section;
    const next = section.lines.flatMap((line): readonly Line[] => {
      if (!isOld(line)) return [line];
      if (placed) return [];
      placed = true;
      return lines;
    });
    return { ...section, lines: next };
  });
  if (placed) return { sections: sections.filter(isUseful) };
  const kinds = sections.map((section) => section.kind);
  const at = kind === "options" ? kinds.indexOf(kind) : kinds.lastIndexOf(kind);
  const found = sections[at];
  if (found !== undefined) sections[at] = { ...found, lines: [...found.lines, ...lines] };
  else {
    // Options come first, rules before the first group, as Proxmox writes them.
    const top = kinds[0] === "preamble" ? 1 : 0;
    const group = kinds.includes("group") ? kinds.indexOf("group") : kinds.length;
    sections.splice(kind === "options" ? top : group, 0, { kind, lines });
  }
  return { sections };
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
  const sections = file.sections.flatMap((section): readonly Section[] => {
    const { kind, name = "" } = section;
    if (kind !== "group" || !groups.has(name)) return [section];
    const content = left.get(name);
    left.delete(name);
    return content === undefined ? [] : [groupSection(name, content)];
  });
  for (const [name, content] of left) if (content !== undefined) sections.push(groupSection(name, content));
  return { sections };
}

function groupSection(name: string, { comment, rules }: GroupContent): Section {
  return { kind: "group", name, ...defined({ comment }), lines: rules.map(ruleLine) };
}

/** Empty sections go; groups and sets may be empty. */
function isUseful({ kind, lines }: Section): boolean {
  return lines.length > 0 || kind === "group" || kind === "ipset";
}

/** Whether the file has no line. */
export function isEmpty(file: FirewallFile): boolean {
  return file.sections.every((section) => section.lines.length === 0 && sectionRules(section).length === 0);
}
