/** What Phoenix created and owns, by component: it shows orphans in places that the site no longer declares. */
import type { ComponentName } from "../component.ts";
import type { OwnedResource } from "../engine/plan.ts";
import { isObject } from "../formats/json/index.ts";
import type { Host } from "../hosts/host.ts";
import { isResourceId } from "./marks.ts";
import { damaged, documentText, parseDocument, privateMode } from "./store.ts";

export interface Inventory {
  /** Sorted; empty when nothing was recorded. The inventory is read once, at the first call. */
  owned(component: ComponentName): Promise<readonly OwnedResource[]>;
  /** Replaces what these components own, all at once. Writes only when that differs. */
  own(owned: ReadonlyMap<ComponentName, readonly OwnedResource[]>): Promise<void>;
}

type Owned = Readonly<Record<string, readonly OwnedResource[]>>;

export function openInventory(host: Host, journal: string): Inventory {
  const path = `${journal}/inventory.json`;
  let known: Promise<Owned> | undefined;
  const all = (): Promise<Owned> => (known ??= readInventory(host, path));

  return {
    owned: async (component) => (await all())[component] ?? [],
    own: async (owned) => {
      const before = await all();
      const sorted = [...owned].map(([component, list]) => [component, inOrder(list)] as const);
      const after = { ...before, ...Object.fromEntries(sorted) };
      if (documentText({ owned: after }) === documentText({ owned: before })) return;
      await host.writeFiles([{ path, text: documentText({ owned: after }), mode: privateMode }]);
      known = Promise.resolve(after);
    },
  };
}

/** Sorted, without duplicates; ids and hosts only. */
function inOrder(list: readonly OwnedResource[]): readonly OwnedResource[] {
  const byName = new Map(list.map(({ id, host }) => [`${id} ${host}`, { id, host }]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, owned]) => owned);
}

async function readInventory(host: Host, path: string): Promise<Owned> {
  const file = (await host.readFiles([path])).get(path);
  if (file === undefined) return {};
  const { owned } = parseDocument(path, file.text);
  if (!isInventory(owned)) throw damaged(path);
  return owned;
}

function isInventory(value: unknown): value is Owned {
  return isObject(value) && Object.values(value).every((list) => Array.isArray(list) && list.every(isOwned));
}

function isOwned(value: unknown): value is OwnedResource {
  return isObject(value) && isResourceId(value.id) && typeof value.host === "string";
}
