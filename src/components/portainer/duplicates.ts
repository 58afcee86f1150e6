/** Registrations in Portainer of an engine that another one, a declared one, stands for. */
import type { EnvironmentState } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import type { Portainer } from "../../model.ts";
import { type Change, canonicalJson, type Resource, subjectOf } from "../../resource.ts";
import { duplicatesOf, environmentFor, settingsOf } from "./compile.ts";

const prefix = "portainer/duplicate-";

/** Those without stacks, which may be pruned: a stack of a removed environment could no longer be managed, only taken down. */
export async function readDuplicates(
  io: Io,
  portainer: Portainer,
  live: readonly EnvironmentState[],
): Promise<readonly Resource[]> {
  const declared = portainer.environments.flatMap(
    (each) => environmentFor(portainer, settingsOf(each), live) ?? [],
  );
  const found = declared
    .flatMap((each) => duplicatesOf(each, live))
    .filter(({ id }) => declared.every((each) => each.id !== id));
  if (found.length === 0) return [];
  const stacks = await io.apis.portainer.stacks();
  return found
    .filter(({ id }) => stacks.every(({ environmentId }) => environmentId !== id))
    .map(({ name, kind, url }) => ({
      id: `${prefix}${name}` as const,
      host: portainer.guest.host,
      text: canonicalJson({ name, kind, url }),
      units: { registration: `${name} ${url}` },
    }));
}

export function isDuplicate({ id }: Pick<Resource, "id">): boolean {
  return id.startsWith(prefix);
}

/** Removes the registration alone, unless it has got a stack meanwhile; a rollback registers the engine again. */
export async function applyDuplicate(change: Change, portainer: Portainer, io: Io): Promise<void> {
  const api = io.apis.portainer;
  const { text } = subjectOf(change);
  const settings = JSON.parse(text) as Pick<EnvironmentState, "name" | "kind" | "url">;
  if (change.verb !== "delete") {
    await api.createEnvironment(settings);
    return;
  }
  const live = await api.environments();
  const still = (await readDuplicates(io, portainer, live)).some((each) => each.text === text);
  const found = live.find(({ name }) => name === settings.name);
  if (still && found !== undefined) await api.deleteEnvironment(found.id);
}
