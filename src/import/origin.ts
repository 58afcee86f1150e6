/** From a change of an imported site back to the machines: where the value was read that the change comes from. Pure. */
import { type Change, type SourceRef, subjectOf } from "../resource.ts";
import { siteFiles } from "../site/shapes/files.ts";
import type { Source } from "./found.ts";
import type { SiteFile } from "./write.ts";

/** The sections that decide about resources which name no line of their own. */
const sections: Readonly<Record<string, string>> = {
  trust: "step_ca",
  dns: "dns_server",
  firewall: "firewall",
  portainer: "portainer_api",
};

/**
 * The place of one unit of a change: of its own line, else of another unit of the resource, else of the guest that it is on, or
 * of the section that declares its component.
 */
export function originOfUnit(files: readonly SiteFile[], change: Change, unit: string): Source | undefined {
  const { id, host, from = {} } = subjectOf(change);
  const refs = [...(from[unit] === undefined ? [] : [from[unit]]), ...Object.values(from)];
  const own = refs.map((ref) => sourceAt(files, ref)).find((source) => source !== undefined);
  if (own !== undefined) return own;
  const [kind = "", guest] = host.split("/");
  if (guest !== undefined) return sourceOfKey(files, kind === "lxc" ? siteFiles.lxc : siteFiles.vm, guest);
  const section = sections[id.slice(0, id.indexOf("/"))];
  return section === undefined ? undefined : sourceOfKey(files, siteFiles.hypervisor, section);
}

/** Where the innermost value at a line was read. */
function sourceAt(files: readonly SiteFile[], { file, line }: SourceRef): Source | undefined {
  const places = files.find(({ path }) => path === file)?.places ?? [];
  return places
    .filter(({ first, last, value }) => first <= line && line <= last && value.source !== undefined)
    .at(-1)?.value.source;
}

/** Where the value of a key was read, or the first one within it. */
function sourceOfKey(files: readonly SiteFile[], file: string, key: string): Source | undefined {
  const found = files.find(({ path }) => path === file);
  const rows = found?.text.split("\n") ?? [];
  const at = rows.findIndex((row) => row.trimStart().startsWith(`${JSON.stringify(key)}:`));
  if (at < 0) return undefined;
  const line = at + 1;
  return (
    sourceAt(files, { file, line, column: 1 }) ??
    found?.places.find(({ first, value }) => first > line && value.source !== undefined)?.value.source
  );
}
