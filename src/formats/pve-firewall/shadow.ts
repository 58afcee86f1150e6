/** Foreign rules that leave ours without effect. Pure. */
import { covers } from "./cover.ts";
import { type FwRule, isGiven } from "./rule.ts";

/** The rules of each group of cluster.fw. */
type Groups = ReadonlyMap<string, readonly FwRule[]>;

/** A rule, or the group it is in, and the foreign rule of [RULES] before it that decides otherwise about all of it. */
export interface Shadow {
  readonly rule: FwRule;
  readonly by: FwRule;
}

/** Each rule of ours that a foreign one before it leaves without effect. */
export function shadows(
  rules: readonly FwRule[],
  isOurs: (rule: FwRule) => boolean,
  groups: Groups,
): readonly Shadow[] {
  const foreign: { readonly line: FwRule; readonly rule: FwRule }[] = [];
  return rules.flatMap((line): readonly Shadow[] => {
    const meant = meaningOf(line, groups);
    if (!isOurs(line)) {
      foreign.push(...meant.map((rule) => ({ line, rule })));
      return [];
    }
    return meant.flatMap((rule) => {
      const first = foreign.find((each) => covers(each.rule, rule));
      return first === undefined || keepsOut(first.rule) === keepsOut(rule) ? [] : [{ rule, by: first.line }];
    });
  });
}

/**
 * The first foreign rule behind which these rules of ours would not count in their directions: without a condition it keeps
 * everything out, or it is a group that has such a rule.
 */
export function catchAll(
  rules: readonly FwRule[],
  isOurs: (rule: FwRule) => boolean,
  ours: readonly FwRule[],
  groups: Groups,
): FwRule | undefined {
  const directions = new Set(ours.flatMap((rule) => meaningOf(rule, groups).map(({ type }) => type)));
  const endsAll = (line: FwRule): boolean =>
    [...directions].some((direction) => {
      const all = meaningOf(line, groups).filter(({ type }) => type === direction);
      const end = all.find(isUnconditional);
      return end !== undefined && keepsOut(end);
    });
  return rules.find((line) => !isOurs(line) && endsAll(line));
}

/** What a line of [RULES] does: a group stands for its rules, on the group's interface. */
function meaningOf(line: FwRule, groups: Groups): readonly FwRule[] {
  if (!line.enabled) return [];
  if (line.type !== "GROUP") return [line];
  const { iface } = line;
  return (groups.get(line.action) ?? [])
    .filter(({ enabled }) => enabled)
    .map((rule) => (isGiven(iface) ? { ...rule, iface } : rule));
}

function isUnconditional({ macro, iface, source, dest, proto, dport, sport, icmpType }: FwRule): boolean {
  const isNarrow = [macro, iface, proto, dport, sport, icmpType].some(isGiven);
  return !isNarrow && [source, dest].every((range) => !isGiven(range) || range === "0.0.0.0/0");
}

function keepsOut({ action }: FwRule): boolean {
  return action === "DROP" || action === "REJECT";
}
