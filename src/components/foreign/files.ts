/** Files that somebody else wrote, as they are taken over and given back. */
import type { ComponentName } from "../../component.ts";
import { defined } from "../../defined.ts";
import { baseId, idOn } from "../../fabric/nodes.ts";
import type { Host } from "../../hosts/host.ts";
import type { Change, HostName, Resource } from "../../resource.ts";

/**
 * Takes lines of somebody else's file over: each is commented out or replaced and nothing else is changed, so that a rollback,
 * or a person, restores the file.
 * @param edits the new text of each line, by its number from 1; undefined to comment it out
 */
export function editedFile(
  component: ComponentName,
  host: HostName,
  path: string,
  text: string,
  edits: ReadonlyMap<number, string | undefined>,
): Change {
  const before = text.split("\n");
  const after = before.map((line, at) =>
    edits.has(at + 1) ? (edits.get(at + 1) ?? `# taken over by phoenix: ${line}`) : line,
  );
  const resource = (content: readonly string[]): Resource => ({
    id: idOn({ host }, `${component}/${path}`),
    host,
    text: content.join("\n"),
    units: Object.fromEntries([...edits.keys()].map((line) => [`line ${line}`, content[line - 1] ?? ""])),
  });
  return { verb: "update", live: resource(before), desired: resource(after) };
}

/** The path of a foreign file that a change takes over; undefined for a resource of our own. */
export function foreignPath(resource: Pick<Resource, "id" | "host">): string | undefined {
  const id = baseId(resource);
  const name = id.slice(id.indexOf("/") + 1);
  return name.startsWith("/") ? name : undefined;
}

/** Writes a foreign file with its own mode and owner; where a link leads to it, the file behind the link. */
export async function writeForeign(host: Host, path: string, text: string, staging?: string): Promise<void> {
  const state = (await host.readFiles([path])).get(path);
  const link = state?.link ?? path;
  const target = link.startsWith("/") ? link : `${path.slice(0, path.lastIndexOf("/"))}/${link}`;
  await host.writeFiles([
    { path: target, text, ...defined({ mode: state?.mode, owner: state?.owner, staging }) },
  ]);
}
