/** The version of this Phoenix, from its package. */
import { readFileSync } from "node:fs";

/** Two directories above the sources, one above the built program. */
function ownVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
      if (name === "phoenix-hypervisor") return String(version);
    } catch {
      // Try the other place.
    }
  }
  return "of unknown version";
}

export const version = ownVersion();
