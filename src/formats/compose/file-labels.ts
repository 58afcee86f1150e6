/**
 * A fingerprint of the files that a service mounts, as a label. Docker binds the file that was there when the container was
 * created: its replacement is not seen, and Compose recreates a container only when its definition has changed.
 */
import { digest } from "../text/digest.ts";
import type { ComposeDocument } from "./document.ts";
import { grantsOf, mountsOf } from "./mounts.ts";

export const filesLabel = "phoenix.files";

/**
 * Fingerprints by service, for those that mount a file of the stack directly. A file in a mounted directory is seen anyway.
 * @param contents of the stack's files, by the absolute paths that the document names
 */
export function filesLabels(
  { root, services }: ComposeDocument,
  contents: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const { key, value } of services.members) {
    const sources = new Set(
      [
        ...mountsOf(value).map(({ source }) => source),
        ...(["configs", "secrets"] as const).flatMap((section) =>
          grantsOf(value, section).map(({ source }) => root.get(section).get(source).get("file").text),
        ),
      ].filter((source) => source !== undefined),
    );
    const used = [...contents].filter(([path]) => sources.has(path)).sort(([a], [b]) => (a < b ? -1 : 1));
    if (used.length > 0) labels.set(key, digest(JSON.stringify(used)));
  }
  return labels;
}
