/** Resources that several components have: a systemd service, a file with the CA's root, a foreign file that is taken over. */
import type { ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import type { UnitState } from "../formats/systemd/index.ts";
import type { Host } from "../hosts/host.ts";
import { type Change, canonicalJson, type HostName, type Resource, type ResourceId } from "../resource.ts";

/** A systemd service. Only the properties that `state` has are managed. */
export function serviceResource(id: ResourceId, host: HostName, state: Partial<UnitState>): Resource {
  const names = { installed: "installed", active: "running", enabled: "starts at boot" } as const;
  const units = Object.entries(state).map(([key, yes]) => [
    names[key as keyof UnitState],
    yes ? "yes" : "no",
  ]);
  return { id, host, text: canonicalJson(state), units: Object.fromEntries(units) };
}

/**
 * The CA's root in a file. Which root it is can be seen on the CA only, so the declared state is "trusted": the root that
 * the CA has is the one in place.
 * @param certificate the PEM text in place when it is another one, so that it can be restored. It is public
 */
export function rootResource(id: ResourceId, host: HostName, state: string, certificate?: string): Resource {
  return { id, host, text: canonicalJson({ state, certificate }), units: { "the CA's root": state } };
}

/** The certificate that `rootResource` was given. */
export function certificateIn({ text }: Resource): string | undefined {
  return (JSON.parse(text) as { certificate?: string }).certificate;
}

/**
 * Takes lines of somebody else's file over: each is commented out and nothing else is changed, so that a rollback, or a
 * person, restores the file.
 * @param lines counted from 1
 */
export function commentedOut(
  component: ComponentName,
  host: HostName,
  path: string,
  text: string,
  lines: readonly number[],
): Change {
  const before = text.split("\n");
  const chosen = new Set(lines);
  const after = before.map((line, at) => (chosen.has(at + 1) ? `# taken over by phoenix: ${line}` : line));
  const resource = (content: readonly string[]): Resource => ({
    id: `${component}/${path}`,
    host,
    text: content.join("\n"),
    units: Object.fromEntries([...chosen].map((line) => [`line ${line}`, content[line - 1] ?? ""])),
  });
  return { verb: "update", live: resource(before), desired: resource(after) };
}

/** The path of a foreign file that a change takes over; undefined for a resource of our own. */
export function foreignPath(id: ResourceId): string | undefined {
  const name = id.slice(id.indexOf("/") + 1);
  return name.startsWith("/") ? name : undefined;
}

/** Writes a foreign file with its own mode and owner; where a link leads to it, the file behind the link. */
export async function writeForeign(host: Host, path: string, text: string): Promise<void> {
  const state = (await host.readFiles([path])).get(path);
  const link = state?.link ?? path;
  const target = link.startsWith("/") ? link : `${path.slice(0, path.lastIndexOf("/"))}/${link}`;
  await host.writeFiles([{ path: target, text, ...defined({ mode: state?.mode, owner: state?.owner }) }]);
}
