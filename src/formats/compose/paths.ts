/** Paths in a Compose file that Portainer would look for in its own container: made absolute, on the machine that runs it. */
import type { ComposeFault, ComposeNode, Place } from "./document.ts";
import { mountsOf, type ServiceMount } from "./mounts.ts";

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
 * The path of a stack's file below the stack's directory: what lies beside the Compose file keeps its place there.
 * @param composeFile and `source` are paths below the site's root
 */
export function placeBelow(composeFile: string, source: string): string {
  const own = composeFile.slice(0, composeFile.lastIndexOf("/") + 1);
  const path = own !== "" && source.startsWith(own) ? source.slice(own.length) : source;
  return within("", path)?.slice(1) ?? "";
}

/** A text in which Compose leaves dollar signs alone. */
export function escaped(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Makes a service's relative binds lead to the stack's directory on its share. */
export function rewriteBinds(service: ComposeNode, directory: string): readonly ComposeFault[] {
  return mountsOf(service)
    .filter(({ type, source }) => type === "bind" && /^(?:\.{1,2}(?:\/|$)|~)/.test(source))
    .flatMap((mount) => rewriteBind(mount, directory) ?? []);
}

function rewriteBind({ source, node }: ServiceMount, directory: string): ComposeFault | undefined {
  if (source.startsWith("~"))
    return {
      message: `${source} is in a home directory, which differs from machine to machine`,
      place: node.place,
      hint: "write an absolute path, or begin it with ./ for the stack's own directory",
    };
  const absolute = within(directory, source);
  if (absolute === undefined)
    return {
      message: `${source} leads out of the stack's directory`,
      place: node.place,
      hint: `write an absolute path for anything outside of ${directory}, the stack's directory on the virtual machine`,
    };
  const text = `${absolute}${node.text?.slice(source.length) ?? ""}`;
  node.write(literalOf(node, directory) ?? escaped(text), text);
  return undefined;
}

/** "./${X}/a:/b" with the directory before it: variables stay variables where the beginning of the path is literal. */
function literalOf(node: ComposeNode, directory: string): string | undefined {
  const [, path = ""] = /^\.\/(.*)$/s.exec(node.hasVariables ? node.written : "") ?? [];
  return path === "" || path.includes("..") ? undefined : `${escaped(directory)}/${path}`;
}

/**
 * Makes `file` of configs and secrets a path on the share, which every version of Compose understands.
 * @param known whether the stack has this file
 */
export function rewriteFiles(
  section: ComposeNode,
  directory: string,
  known: (path: string) => boolean,
): readonly ComposeFault[] {
  return section.members.flatMap(({ key, value }): readonly ComposeFault[] => {
    const file = value.get("file");
    if (file.text === undefined || file.text.startsWith("/")) return [];
    const absolute = within(directory, file.text);
    if (absolute === undefined || !known(absolute.slice(directory.length + 1)))
      return [missingFile(key, file.text, file.place)];
    file.write(escaped(absolute), absolute);
    return [];
  });
}

export function missingFile(user: string, path: string, place: Place): ComposeFault {
  return {
    message: `${user} needs ${path}, which is not among the stack's files`,
    place,
    hint: `list it under "files" in phoenix.json`,
  };
}
