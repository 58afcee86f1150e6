/** Pending activations: what a run wrote and never proved live. The live text cannot show it, because it is already right. */
import type { ComponentName } from "../component.ts";
import type { Host } from "../hosts/host.ts";
import type { ResourceId } from "../resource.ts";
import { damaged, documentText, privateMode, readDocuments } from "./store.ts";

export interface Marks {
  /** The marked resources of a component, sorted. All marks are read at the first call. */
  pending(component: ComponentName): Promise<readonly ResourceId[]>;
  /** Adds marks; they are on disk when this resolves. */
  mark(component: ComponentName, ids: readonly ResourceId[]): Promise<void>;
  /** Removes a component's marks, except for those of `kept`. */
  clear(component: ComponentName, kept?: readonly ResourceId[]): Promise<void>;
}

/** One file for each component, so that components side by side never write the same file. */
export function openMarks(host: Host, journal: string): Marks {
  const directory = `${journal}/marks`;
  let known: Promise<Map<string, readonly ResourceId[]>> | undefined;
  const all = (): Promise<Map<string, readonly ResourceId[]>> => (known ??= readMarks(host, directory));
  const pathOf = (component: ComponentName): string => `${directory}/${component}.json`;

  const write = async (
    component: ComponentName,
    ids: readonly ResourceId[],
    marks: Map<string, readonly ResourceId[]>,
  ): Promise<void> => {
    await host.writeFiles([{ path: pathOf(component), text: documentText({ ids }), mode: privateMode }]);
    marks.set(component, ids);
  };

  return {
    pending: async (component) => (await all()).get(component) ?? [],
    mark: async (component, ids) => {
      const marks = await all();
      const before = marks.get(component) ?? [];
      const after = [...new Set([...before, ...ids])].sort();
      if (after.length === before.length) return;
      await write(component, after, marks);
    },
    clear: async (component, kept = []) => {
      const marks = await all();
      const before = marks.get(component);
      if (before === undefined) return;
      const after = before.filter((id) => kept.includes(id));
      if (after.length === 0) {
        await host.remove([pathOf(component)]);
        marks.delete(component);
      } else if (after.length < before.length) await write(component, after, marks);
    },
  };
}

async function readMarks(host: Host, directory: string): Promise<Map<string, readonly ResourceId[]>> {
  const documents = await readDocuments(host, directory);
  return new Map(
    [...documents].map(([component, { ids }]) => {
      if (!Array.isArray(ids) || !ids.every(isResourceId)) throw damaged(`${directory}/${component}.json`);
      return [component, ids];
    }),
  );
}

export function isResourceId(value: unknown): value is ResourceId {
  return typeof value === "string" && value.includes("/");
}
