/** Copies of this checkout, to build packages in: elsewhere, by somebody with other habits, or of another version. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
/** What a package is built from. */
const parts = ["bin", "script", "src", "lab", "docs", "examples", "package.json", "package-lock.json"];
const texts = ["LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md"];

/** The directory of its packages. @param version instead of the one of package.json */
export async function buildCopy(
  directory: string,
  kinds: readonly string[],
  { umask = "022", version = undefined as string | undefined } = {},
): Promise<string> {
  mkdirSync(directory, { recursive: true });
  for (const part of [...parts, ...texts])
    cpSync(join(root, part), join(directory, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith("/node_modules"),
    });
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  if (version !== undefined) {
    const path = join(directory, "package.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), version }));
  }
  const { SOURCE_DATE_EPOCH: _, ...env } = process.env;
  await promisify(execFile)(
    "sh",
    ["-c", 'umask "$1"; shift; exec script/package "$@"', "sh", umask, ...kinds],
    {
      cwd: directory,
      // What is built for users is compressed as well as it can be, which takes a minute.
      env: { ...env, PHOENIX_DEB_COMPRESSION: "zstd" },
    },
  );
  return join(directory, "dist/packages");
}
