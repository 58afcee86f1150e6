/** Which stack runs on which virtual machine, and the firewall rules that come with it. */
import { didYouMean } from "../../formats/text/nearest.ts";
import type { FirewallRule } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { readRules, uniqueRules } from "../firewall/index.ts";
import type { GuestEntry } from "../machines/guests.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import type { DeclaredStack } from "./files.ts";
import { type DeclaredSwarm, managerOf, swarmsByMember } from "./swarms.ts";

/** A stack that the `docker_stacks` of a machine or a Swarm names. */
export interface Assignment {
  /** The machine; of a Swarm its first manager. */
  readonly entry: GuestEntry;
  readonly swarm?: DeclaredSwarm;
  readonly declared: DeclaredStack;
  readonly environment: string;
  /** The environment's own cell, or the whole file when it declares no environments. */
  readonly settings: Cell | undefined;
  readonly from: SourceRef;
}

/** The environment that is deployed when a machine names none. */
export const defaultEnvironment = "production";

/** What the name of a stack is looked up in. */
interface Lookup {
  readonly declared: ReadonlyMap<string, DeclaredStack>;
  readonly problems: Problems;
}

/** Reads the `docker_stacks` of machines and Swarms, with every name resolved. */
export function readAssignments(
  entries: readonly GuestEntry[],
  swarms: readonly DeclaredSwarm[],
  declared: ReadonlyMap<string, DeclaredStack>,
  problems: Problems,
): readonly Assignment[] {
  const lookup = { declared, problems };
  const own = entries.flatMap((entry) => {
    const { guest, cell } = entry;
    const list = cell.get("docker_stacks");
    if (list === undefined || list.items.length === 0) return [];
    if (guest.kind !== "vm" || guest.template) {
      const what = guest.template ? "a template" : "a container";
      problems.report("PHX0415", list, `${guest.host} is ${what}; stacks run on virtual machines`);
      return [];
    }
    return readList({ entry }, guest.host, list, lookup);
  });
  const ofSwarms = swarms.flatMap((swarm) => {
    const list = swarm.settings?.get("docker_stacks");
    const entry = managerOf(swarm);
    return list === undefined ? [] : readList({ entry, swarm }, `Swarm ${swarm.name}`, list, lookup);
  });
  return [...own, ...ofSwarms];
}

/** @param title who runs the stacks: "vm/311", "Swarm oak" */
function readList(
  where: Pick<Assignment, "entry" | "swarm">,
  title: string,
  list: Cell,
  { declared, problems }: Lookup,
): readonly Assignment[] {
  const seen = new Claims<SourceRef>();
  return list.items.flatMap((item) => {
    const assignment = readAssignment(where, item, declared, problems);
    if (assignment === undefined) return [];
    const key = `${assignment.declared.name} ${assignment.environment}`;
    const before = seen.take(key, item.ref);
    if (before === undefined) return [assignment];
    const message = `stack ${assignment.declared.name} is assigned to ${title} twice`;
    return problems.report("PHX0414", item, message, { related: [before] }) ?? [];
  });
}

function readAssignment(
  where: Pick<Assignment, "entry" | "swarm">,
  item: Cell,
  declared: ReadonlyMap<string, DeclaredStack>,
  problems: Problems,
): Assignment | undefined {
  const name = item.isObject ? item.get("name") : item;
  if (name?.text === undefined) return undefined;
  const stack = declared.get(name.text);
  if (stack === undefined)
    return problems.report("PHX0401", name, `unknown stack ${JSON.stringify(name.text)}`, {
      hint:
        didYouMean(name.text, [...declared.keys()]) ??
        "a stack is a directory below stacks/ with docker-compose.yml and phoenix.json",
    });
  const wanted = item.isObject ? item.get("environment") : undefined;
  const environment = wanted?.text ?? defaultEnvironment;
  const environments = stack.config?.get("environments");
  const settings = environments === undefined ? stack.config : environments.get(environment);
  if (environments !== undefined && settings === undefined) {
    const names = environments.entries().map(([key]) => key);
    const message = `unknown environment ${JSON.stringify(environment)} of stack ${stack.name}`;
    const known = `it has ${names.join(", ")}: {"name": "${stack.name}", "environment": …}`;
    const hint = names.length === 0 ? undefined : known;
    return problems.report("PHX0403", wanted ?? name, message, { related: [environments.ref], hint });
  }
  return { ...where, declared: stack, environment, settings, from: name.ref };
}

/** Refuses stacks of a machine's own on a member of a Swarm: its one environment is the Swarm's. */
export function checkMembersStacks(
  assignments: readonly Assignment[],
  swarms: readonly DeclaredSwarm[],
  problems: Problems,
): void {
  const byMember = swarmsByMember(swarms);
  for (const { entry, swarm: own, declared, from } of assignments) {
    const { host, name } = entry.guest;
    const swarm = byMember.get(host);
    if (own !== undefined || swarm === undefined) continue;
    const message = `stack ${declared.name} is assigned to ${host} (${name}), which is a member of the Swarm ${swarm.name}`;
    problems.report("PHX0904", from, message, {
      related: swarm.members.flatMap((each) => (each.entry.guest.host === host ? [each.from] : [])),
      hint: `assign it to the Swarm: "swarms": {"${swarm.name}": {"docker_stacks": ["${declared.name}"]}}`,
    });
  }
}

/**
 * The machines with the firewall rules of their stacks added to their own, and the assignments on these machines. Every member
 * of a Swarm gets the rules of its stacks.
 */
export function withStackRules(
  entries: readonly GuestEntry[],
  assignments: readonly Assignment[],
  problems: Problems,
): { readonly entries: readonly GuestEntry[]; readonly assignments: readonly Assignment[] } {
  const rules = new Map<GuestEntry, readonly FirewallRule[]>();
  for (const { entry, swarm, settings } of assignments) {
    const more = readRules(settings?.get("firewall_rules"), "guest", problems);
    for (const each of swarm?.members.map((member) => member.entry) ?? [entry])
      rules.set(each, [...(rules.get(each) ?? []), ...more]);
  }
  const renewed = new Map<GuestEntry, GuestEntry>();
  for (const [entry, more] of rules) {
    const { firewall } = entry.guest;
    if (firewall === undefined || more.length === 0) continue;
    const all = uniqueRules([...firewall.rules, ...more]);
    renewed.set(entry, { ...entry, guest: { ...entry.guest, firewall: { ...firewall, rules: all } } });
  }
  return {
    entries: entries.map((entry) => renewed.get(entry) ?? entry),
    assignments: assignments.map((one) => ({ ...one, entry: renewed.get(one.entry) ?? one.entry })),
  };
}
