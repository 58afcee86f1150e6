/** The pages of docs/, those of the guides included. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Their paths below docs/: "site.md". */
export const docsFiles: readonly string[] = readdirSync(join(import.meta.dirname, "../../docs"), {
  recursive: true,
  encoding: "utf8",
}).filter((path) => path.endsWith(".md") && !path.startsWith("node_modules"));
