/**
 * A fingerprint of the files that a service mounts, as a label. Docker binds the file that was there when the container was
 * made: one that is replaced later is not seen, and Compose makes a container anew only when its definition has changed.
 */
import { createHash } from "node:crypto";
import { type ComposeYaml, itemsOf, memberOf, membersOf, resolved, textOf } from "./document.ts";

export const filesLabel = "phoenix.files";

/**
 * By service, for those that mount a file of the stack by itself. A file in a directory that is mounted is seen anyway.
 * @param contents of the stack's files, by the absolute paths that the document names
 */
export function filesLabels(
  yaml: ComposeYaml,
  names: readonly string[],
  contents: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const root = membersOf(yaml, yaml.document.contents) ?? [];
  const services = membersOf(yaml, memberOf(root, "services")?.value) ?? [];
  const labels = new Map<string, string>();
  for (const name of names) {
    const service = membersOf(yaml, memberOf(services, name)?.value) ?? [];
    const sources = ["volumes", "configs", "secrets"].flatMap((section) =>
      itemsOf(yaml, memberOf(service, section)?.value ?? null).map((item) => {
        const source = sourceOf(yaml, item);
        if (section === "volumes") return source;
        const declared = membersOf(yaml, memberOf(root, section)?.value) ?? [];
        return textOf(
          yaml,
          memberOf(membersOf(yaml, memberOf(declared, source)?.value) ?? [], "file")?.value,
        );
      }),
    );
    const used = [...contents]
      .filter(([path]) => sources.includes(path))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (used.length === 0) continue;
    labels.set(name, createHash("sha256").update(JSON.stringify(used)).digest("hex").slice(0, 16));
  }
  return labels;
}

/** What a mount, a config or a secret of a service leads to: a path, or a name. */
function sourceOf(yaml: ComposeYaml, item: unknown): string {
  const members = membersOf(yaml, resolved(yaml, item));
  const text = textOf(yaml, members === undefined ? item : memberOf(members, "source")?.value) ?? "";
  return members === undefined ? (text.split(":", 1)[0] ?? "") : text;
}
