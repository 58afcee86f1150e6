/** Puts a new site into a directory: complete and proven, or not at all. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing, messageOf, SiteError } from "../errors.ts";
import { quoted } from "../formats/shell/quote.ts";
import type { Draft, DraftGuest } from "../init/draft.ts";
import { option } from "../option-names.ts";
import { problemsLines } from "../render/problems.ts";
import { count, shortList } from "../render/words.ts";
import { hasSiteFiles, ignoreFile, namesInTheWay, withIgnored } from "../site/place.ts";
import type { NewFile } from "../site/shapes/editor.ts";
import type { Call } from "./command.ts";
import { viewOf } from "./output.ts";
import { loadProven } from "./site.ts";
import { writeLines } from "./terminal.ts";

/** @throws SiteError when the directory holds anything that a new site could collide with */
export async function refuseTaken(directory: string): Promise<void> {
  const entries = await entriesOf(directory);
  const taken = namesInTheWay(entries);
  if (taken.length === 0) return;
  throw new SiteError(`${directory} is not empty: it has ${shortList(taken, 5)}; nothing was written`, {
    hint: hasSiteFiles(taken)
      ? `this may be a site already: \`phoenix check ${option.site} ${quoted(directory)}\`; \`phoenix schema ${option.into} ${quoted(join(directory, ".schemas"))}\` refreshes its schemas`
      : "name a new or an empty directory",
  });
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new SiteError(`cannot read ${directory}: ${messageOf(error)}`);
  }
}

/**
 * Writes the files beside their places, checks them as `phoenix check` does, and moves them in.
 * @throws SiteError when they have errors or cannot be written; then nothing is in the directory
 */
export async function newSite(
  call: Call,
  directory: string,
  draft: Draft,
  files: readonly NewFile[],
): Promise<void> {
  let staging: string | undefined;
  let made: string | undefined;
  try {
    made = await mkdir(directory, { recursive: true });
    staging = await mkdtemp(join(directory, ".phoenix-init-"));
    for (const { path, text: fresh, secret } of files) {
      const place = join(staging, path);
      const text = path === ignoreFile ? withIgnored(await ignoredIn(directory), fresh) : fresh;
      await mkdir(dirname(place), { recursive: true, ...(secret && { mode: 0o700 }) });
      await writeFile(place, text, { flag: "wx", ...(secret && { mode: 0o600 }) });
    }
    await prove(call, staging);
    for (const name of await readdir(staging)) await rename(join(staging, name), join(directory, name));
    made = undefined;
  } catch (error) {
    throw error instanceof SiteError
      ? error
      : new SiteError(`cannot write the site to ${directory}: ${messageOf(error)}`);
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
    // Only an empty one goes.
    if (made !== undefined) await rmdir(directory).catch(() => {});
  }
  report(call, directory, draft);
}

/** The text of a repository's own .gitignore, "" without one. */
async function ignoredIn(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, ignoreFile), "utf8");
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

/** Shows what `phoenix check` says. @throws SiteError for an error: answers that contradict each other show as problems of the files */
async function prove(call: Call, root: string): Promise<void> {
  const { lab: _, ...options } = call.options;
  const { terminal } = call;
  const { problems, sources } = await loadProven({ ...call, options: { ...options, site: root } });
  if (problems.length === 0) return;
  const view = viewOf(terminal.stderr, terminal, options);
  if (options.output === "text")
    writeLines(terminal.stderr, [...problemsLines(terminal.redact(problems), sources, view), ""]);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (errors > 0)
    throw new SiteError(`these answers make a site with ${count(errors, "error")}; nothing was written`, {
      hint: "give other answers; the lines above show what the files would have had",
    });
}

function report({ terminal, options, args }: Call, directory: string, draft: Draft): void {
  if (options.quiet || options.output !== "text") return;
  const site = args[0] ?? directory;
  const host = options.host === undefined ? "" : ` ${option.host} ${options.host}`;
  const missing = draft.guests.filter(({ planned }) => planned);
  writeLines(terminal.stdout, [
    `Wrote a site into ${site}: ${draft.parts.join(", ")}; ${count(draft.guests.length, "guest")}. It passes \`phoenix check\`.`,
    "",
    ...(missing.length === 0
      ? []
      : [
          "Create these guests, or give the ids and addresses of yours in the files:",
          ...missing.map((guest) => `  ${missingWords(guest)}`),
          "",
        ]),
    "Next:",
    `  phoenix check ${option.site} ${quoted(site)}`,
    "      after each change of the files; their comments say what the keys mean",
    `  phoenix lab init /tmp/lab ${option.site} ${quoted(site)}`,
    `  phoenix sync all ${option.lab} /tmp/lab`,
    "      try it without a real machine",
    `  phoenix doctor ${option.site} ${quoted(site)}${host}`,
    `  phoenix plan ${option.site} ${quoted(site)}${host}`,
    "      on the hypervisor: what has to be put right first, and what a sync would change; both only read",
    ...(draft.taken.ids.length === 0
      ? []
      : [
          "`phoenix import` reads more of a host: mounts, shares, firewall rules, records, services, stacks.",
        ]),
  ]);
}

function missingWords({ kind, id, name, address, role }: DraftGuest): string {
  const title = role === name ? name : `${name} (${role})`;
  return [`${kind}/${id}`, title, ...(address === undefined ? [] : [address])].join("  ");
}
