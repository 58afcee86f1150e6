/** Paths in a compose file that Portainer would look for in its own container: made absolute, on the machine that runs it. */
import { isMap, isScalar, type Node, type Scalar } from "yaml";
import type { FaultAt } from "../fault.ts";
import {
  type ComposeYaml,
  itemsOf,
  type Member,
  memberOf,
  membersOf,
  type Place,
  placeOf,
  textOf,
} from "./document.ts";

/** `path` from `directory` on; undefined when it leads out of it. */
export function within(directory: string, path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else parts.push(part);
  }
  return parts.length === 0 ? directory : `${directory}/${parts.join("/")}`;
}

/**
 * Where a file of a stack lies below the stack's directory: what lies beside the compose file keeps its place there.
 * @param composeFile and `source` are paths below the site's root
 */
export function placeBelow(composeFile: string, source: string): string {
  const own = composeFile.slice(0, composeFile.lastIndexOf("/") + 1);
  const path = own !== "" && source.startsWith(own) ? source.slice(own.length) : source;
  return within("", path)?.slice(1) ?? "";
}

/** A dollar sign that Compose is to leave alone. */
export function escaped(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Relative binds of a service: what is below the stack's directory on its share. */
export function rewriteBinds(
  yaml: ComposeYaml,
  service: readonly Member[],
  directory: string,
): readonly FaultAt<Place>[] {
  return itemsOf(yaml, memberOf(service, "volumes")?.value ?? null).flatMap((item) => {
    if (isScalar(item)) {
      const text = textOf(yaml, item) ?? "";
      const at = text.indexOf(":");
      // One path alone is a volume without a name.
      return at < 0 || !isRelative(text.slice(0, at)) ? [] : rewrite(yaml, item, directory, at);
    }
    const members = membersOf(yaml, item) ?? [];
    const source = memberOf(members, "source")?.value ?? null;
    const isBind = textOf(yaml, memberOf(members, "type")?.value) === "bind";
    if (!isBind || !isScalar(source) || !isRelative(textOf(yaml, source) ?? "")) return [];
    return rewrite(yaml, source, directory);
  });
}

/** @param length of the path at the beginning of the value; absent: all of it */
function rewrite(
  yaml: ComposeYaml,
  node: Scalar,
  directory: string,
  length?: number,
): readonly FaultAt<Place>[] {
  const text = textOf(yaml, node) ?? "";
  const path = text.slice(0, length ?? text.length);
  if (path.startsWith("~"))
    return [
      {
        message: `${path} stands for a home directory, which containers' machines do not agree on`,
        place: placeOf(yaml, node),
        hint: "write the path out, or begin it with ./ for the stack's own directory",
      },
    ];
  const absolute = within(directory, path);
  if (absolute === undefined)
    return [
      {
        message: `${path} leads out of the stack's directory`,
        place: placeOf(yaml, node),
        hint: `on the virtual machine the stack has ${directory}: write an absolute path for anything else`,
      },
    ];
  const rest = length === undefined ? "" : text.slice(length);
  const written = String(node.value);
  // Variables stay variables where the path's own beginning is written out.
  const literal =
    written.startsWith(".") && yaml.filled.has(node) ? literalOf(written, directory) : undefined;
  node.value = literal ?? escaped(`${absolute}${rest}`);
  return [];
}

/** "./${X}/a:/b" with the directory before it; undefined when it must be put together from what the variables say. */
function literalOf(written: string, directory: string): string | undefined {
  const [, path = ""] = /^\.\/(.*)$/s.exec(written) ?? [];
  return path === "" || path.includes("..") ? undefined : `${escaped(directory)}/${path}`;
}

function isRelative(path: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|~)/.test(path);
}

/**
 * `file:` of configs and secrets: a bind of the file on the share, which every version of Compose understands.
 * @param known whether the stack brings this file along
 */
export function rewriteFiles(
  yaml: ComposeYaml,
  section: Node | null,
  directory: string,
  known: (path: string) => boolean,
): readonly FaultAt<Place>[] {
  return (membersOf(yaml, section) ?? []).flatMap(({ key, value }): readonly FaultAt<Place>[] => {
    const file = isMap(value) ? (memberOf(membersOf(yaml, value) ?? [], "file")?.value ?? null) : null;
    const path = textOf(yaml, file);
    if (!isScalar(file) || path === undefined || path.startsWith("/")) return [];
    const absolute = within(directory, path);
    if (absolute === undefined || !known(absolute.slice(directory.length + 1)))
      return [missingFile(key, path, placeOf(yaml, file))];
    file.value = escaped(absolute);
    return [];
  });
}

export function missingFile(user: string, path: string, place: Place): FaultAt<Place> {
  return {
    message: `${user} needs ${path}, which the stack does not bring along`,
    place,
    hint: `list it under "files" in phoenix.json`,
  };
}
