/** Which version of a stack its machine runs, asked of the machine's own Docker: it answers when Portainer does not. */
import type { Io, RunningVersion } from "../../component.ts";
import { type Change, type ResourceId, subjectOf } from "../../resource.ts";
import { isForeignContainer } from "../foreign/containers.ts";
import { targetsOf } from "./compile.ts";
import type { StackFacts } from "./facts.ts";
import { recreatedServices } from "./impact.ts";
import { type MadeContainer, madeContainers } from "./made.ts";
import { previousOf } from "./previous.ts";
import { isOfSwarm } from "./swarm/impact.ts";

/** The version that runs of each changed stack; those of which that cannot be told are left out. */
export async function readRunning(
  changes: readonly Change[],
  io: Io,
): Promise<ReadonlyMap<ResourceId, RunningVersion>> {
  const found = await Promise.all(
    changes
      // The containers of a Swarm's stack are on any of its machines.
      .filter((change) => !isForeignContainer(subjectOf(change)) && !isOfSwarm(subjectOf(change)))
      .map(async (change): Promise<readonly [ResourceId, RunningVersion][]> => {
        const { id, host, text } = subjectOf(change);
        const target = targetsOf(io.site).find((each) => each.id === id);
        const { project } = JSON.parse(text) as StackFacts;
        const now = await madeContainers(io.host(host), project);
        if (now === undefined) return [];
        const previous = previousOf(io, id);
        // What the run has not begun to change is as it was.
        const before = previous === undefined ? now : previous.made;
        const services = change.verb === "delete" ? [] : (target?.services ?? []).map(({ name }) => name);
        const version = before === undefined ? undefined : runningVersion(change, services, before, now);
        return version === undefined ? [] : [[id, version]];
      }),
  );
  return new Map(found.flat());
}

/**
 * The version that a stack's containers are of; undefined while they are of both, or not all of them run. Pure.
 * @param services those that the new version runs; @param before the containers when the change began
 */
export function runningVersion(
  change: Change,
  services: readonly string[],
  before: readonly MadeContainer[],
  now: readonly MadeContainer[],
): RunningVersion | undefined {
  if (summary(before) === summary(now)) return "previous";
  const old = new Set(before.map(({ service, definition }) => `${service} ${definition}`));
  const recreated = recreatedServices(change);
  const isNew = ({ service, definition, state }: MadeContainer): boolean =>
    state === "running" &&
    services.includes(service) &&
    !(recreated.includes(service) && old.has(`${service} ${definition}`));
  const isWhole = services.every((name) => now.some(({ service }) => service === name));
  return isWhole && now.every(isNew) ? "new" : undefined;
}

function summary(containers: readonly MadeContainer[]): string {
  return containers
    .map(({ service, definition, state }) => `${service} ${definition} ${state}`)
    .sort()
    .join("\n");
}
