/** What Phoenix made and owns, by component: how an orphan is recognised in a place that the site no longer names. */
import type { ComponentName } from "../component.ts";
import type { Host } from "../hosts/host.ts";
import type { HostName, ResourceId } from "../resource.ts";
import { isResourceId } from "./marks.ts";
import { damaged, documentText, privateMode, readDocuments } from "./store.ts";

export interface OwnedResource {
  readonly id: ResourceId;
  readonly host: HostName;
}

export interface Inventory {
  /** Sorted by id; empty when nothing was ever recorded. The whole inventory is read at the first call. */
  owned(component: ComponentName): Promise<readonly OwnedResource[]>;
  /** Replaces what a component owns. Writes nothing when that is known already. */
  record(component: ComponentName, owned: readonly OwnedResource[]): Promise<void>;
}

export function openInventory(host: Host, journal: string): Inventory {
  const directory = `${journal}/inventory`;
  let known: Promise<Map<string, readonly OwnedResource[]>> | undefined;
  const all = (): Promise<Map<string, readonly OwnedResource[]>> => {
    known ??= readInventory(host, directory);
    return known;
  };

  return {
    owned: async (component) => (await all()).get(component) ?? [],
    record: async (component, owned) => {
      const inventory = await all();
      const after = owned
        .map(({ id, host: place }) => ({ id, host: place }))
        .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
      if (JSON.stringify(after) === JSON.stringify(inventory.get(component) ?? [])) return;
      const path = `${directory}/${component}.json`;
      await host.writeFiles([{ path, text: documentText({ owned: after }), mode: privateMode }]);
      inventory.set(component, after);
    },
  };
}

async function readInventory(host: Host, directory: string): Promise<Map<string, readonly OwnedResource[]>> {
  const documents = await readDocuments(host, directory);
  return new Map(
    [...documents].map(([component, { owned }]) => {
      if (!Array.isArray(owned) || !owned.every(isOwned)) throw damaged(`${directory}/${component}.json`);
      return [component, owned.map(({ id, host: place }) => ({ id, host: place }))];
    }),
  );
}

function isOwned(value: unknown): value is OwnedResource {
  if (typeof value !== "object" || value === null || !("id" in value) || !("host" in value)) return false;
  return isResourceId(value.id) && typeof value.host === "string";
}
