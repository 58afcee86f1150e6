/** What differs between what two generations have left, or between one and the live systems. Pure. */
import type { ComponentName } from "../component.ts";
import type { ObjectName } from "../journal/objects.ts";
import type { KeptContent, KeptResource, KeptState, RecordedChange } from "../journal/run-record.ts";
import type { Change, HostName, Resource, ResourceId } from "../resource.ts";

export interface ComponentDifference {
  readonly component: ComponentName;
  /** Number of resources that were compared. */
  readonly resources: number;
  /** What leads from the first to the second. */
  readonly changes: readonly Change[];
  /** Why the second could not be read. */
  readonly unread?: string;
}

/** What nothing is known of on one side is not compared. @param contents of both */
export function differenceOf(
  component: ComponentName,
  first: KeptState,
  second: KeptState,
  contents: ReadonlyMap<ObjectName, KeptContent>,
): ComponentDifference {
  const before = new Map(first.resources.map((resource) => [resource.id, resource]));
  const after = new Map(second.resources.map((resource) => [resource.id, resource]));
  const isKnown = (id: ResourceId): boolean =>
    (before.has(id) || first.partial === undefined) && (after.has(id) || second.partial === undefined);
  const ids = [...new Set([...before.keys(), ...after.keys()])].filter(isKnown).sort();
  const shown = (kept: KeptResource): Resource =>
    resourceOf(kept.id, kept.host, contents.get(kept.content), kept.digest);
  const changes = ids.flatMap((id): Change[] => {
    const [was, is] = [before.get(id), after.get(id)];
    if (was === undefined) return is === undefined ? [] : [{ verb: "create", desired: shown(is) }];
    if (is === undefined) return [{ verb: "delete", live: shown(was) }];
    if (was.digest === is.digest && was.host === is.host) return [];
    return [{ verb: "update", live: shown(was), desired: shown(is) }];
  });
  return { component, resources: ids.length, changes };
}

/** A kept resource for renderers. @param digest stands for a text that is not kept */
export function resourceOf(
  id: ResourceId,
  host: HostName,
  content: KeptContent | undefined,
  digest = "",
): Resource {
  if (content === undefined) return { id, host, text: `(not kept: ${digest})\n`, units: {} };
  const { text = `(${digest})\n`, units, documents, sensitive } = content;
  return {
    ...{ id, host, text, units },
    ...(documents === undefined ? {} : { documents }),
    ...(sensitive === undefined ? {} : { sensitive }),
  };
}

/** A recorded change for renderers. */
export function changeOf(
  { verb, id, host, before = "", after = "" }: RecordedChange,
  contentOf: (recorded: string) => KeptContent | undefined,
): Change {
  const live = resourceOf(id, host, contentOf(before));
  const desired = resourceOf(id, host, contentOf(after));
  if (verb === "create") return { verb, desired };
  return verb === "delete" ? { verb, live } : { verb, live, desired };
}
