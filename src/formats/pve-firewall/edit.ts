/** Changes to a firewall file that leave everything else in it where it is. Pure. */
import { type FirewallFile, type Line, type Section, sectionRules } from "./index.ts";
import type { FwRule } from "./rule.ts";

/** Sets an option, or takes it away. A new one goes to the first [OPTIONS], which is made at the top when there is none. */
export function withOption(file: FirewallFile, key: string, value: string | undefined): FirewallFile {
  const isIt = (line: Line): boolean => line.kind === "option" && line.key === key;
  let placed = value === undefined;
  const sections = file.sections.map((section): Section => {
    if (section.kind !== "options") return section;
    const lines = section.lines.flatMap((line): readonly Line[] => {
      if (!isIt(line)) return [line];
      if (placed || value === undefined) return [];
      placed = true;
      return [{ kind: "option", key, value }];
    });
    return { ...section, lines };
  });
  if (placed || value === undefined) return { sections: sections.filter(isUseful) };
  const option: Line = { kind: "option", key, value };
  const at = sections.findIndex(({ kind }) => kind === "options");
  const found = sections[at];
  if (found !== undefined) sections[at] = { ...found, lines: [...found.lines, option] };
  else {
    const top = sections[0]?.kind === "preamble" ? 1 : 0;
    sections.splice(top, 0, { kind: "options", lines: [option] });
  }
  return { sections };
}

/**
 * Puts `rules` in the place of those in [RULES] that `isOurs`: where the first of them was, at the end when there was
 * none. Foreign rules keep their order.
 */
export function withRules(
  file: FirewallFile,
  isOurs: (rule: FwRule) => boolean,
  rules: readonly FwRule[],
): FirewallFile {
  const ours = rules.map((rule): Line => ({ kind: "rule", rule }));
  let placed = false;
  const sections = file.sections.map((section): Section => {
    if (section.kind !== "rules") return section;
    const lines = section.lines.flatMap((line): readonly Line[] => {
      if (line.kind !== "rule" || !isOurs(line.rule)) return [line];
      if (placed) return [];
      placed = true;
      return ours;
    });
    return { ...section, lines };
  });
  if (placed || ours.length === 0) return { sections: sections.filter(isUseful) };
  const at = sections.findLastIndex(({ kind }) => kind === "rules");
  const last = sections[at];
  if (last !== undefined) {
    sections[at] = { ...last, lines: [...last.lines, ...ours] };
    return { sections };
  }
  // Before the first group, as Proxmox writes it.
  const group = sections.findIndex(({ kind }) => kind === "group");
  sections.splice(group < 0 ? sections.length : group, 0, { kind: "rules", lines: ours });
  return { sections };
}

/** What a group shall hold. */
export interface GroupContent {
  readonly comment?: string;
  readonly rules: readonly FwRule[];
}

/**
 * Replaces groups whole by name, or takes them away (undefined); new ones go to the end. A second section of a name goes
 * as well.
 */
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
  return {
    kind: "group",
    name,
    ...(comment === undefined ? {} : { comment }),
    lines: rules.map((rule): Line => ({ kind: "rule", rule })),
  };
}

/** A section that holds nothing any more goes; groups and sets may be empty. */
function isUseful({ kind, lines }: Section): boolean {
  return lines.length > 0 || kind === "group" || kind === "ipset";
}

/** Whether the file says nothing that is in force. */
export function isEmpty(file: FirewallFile): boolean {
  return file.sections.every((section) => section.lines.length === 0 && sectionRules(section).length === 0);
}
