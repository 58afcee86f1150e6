/** What every package has beside the program: man pages, completion, units, licences, documentation and examples. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { completionScripts } from "../../src/cli/completion.ts";
import { manPages } from "./man.ts";
import type { Release } from "./release.ts";
import { printPage } from "./roff.ts";
import { below, type Entry, entriesBelow } from "./tree.ts";

/** Completion for three shells, below usr/share or usr/local/share, by Debian's names for the places. */
export const completionEntries: readonly Entry[] = [
  { path: "bash-completion/completions/phoenix", text: completionScripts.bash },
  { path: "bash-completion/completions/phoenix-cli", link: "phoenix" },
  { path: "zsh/vendor-completions/_phoenix", text: completionScripts.zsh },
  { path: "fish/vendor_completions.d/phoenix.fish", text: completionScripts.fish },
  { path: "fish/vendor_completions.d/phoenix-cli.fish", link: "phoenix.fish" },
];

/** The man pages, below a directory "man". */
export async function manEntries({ version, date }: Release): Promise<readonly Entry[]> {
  const pages = (await manPages()).map((page) => ({
    path: `man${page.section}/${page.name}.${page.section}`,
    text: printPage(page, { date, source: `phoenix ${version}` }),
  }));
  return [...pages, { path: "man1/phoenix-cli.1", text: ".so man1/phoenix.1\n" }];
}

/** The units: timers that nothing enables. */
export function unitEntries({ root }: Release): readonly Entry[] {
  const directory = join(root, "script/packaging/systemd");
  return readdirSync(directory).map((name) => ({ path: name, from: join(directory, name) }));
}

/** The pages of docs/, and the examples, which work where they lie. */
export async function documentEntries({ root }: Release): Promise<readonly Entry[]> {
  return [
    ...(await entriesBelow(join(root, "examples"), "examples")),
    ...(await entriesBelow(join(root, "docs"), "docs")).filter(isPage),
    ...["README.md", "SECURITY.md", "CHANGELOG.md"].map((path) => ({ path, from: join(root, path) })),
  ];
}

/** The generator of the documentation site has pages of its own below docs/. */
function isPage({ path }: Entry): boolean {
  return path.endsWith(".md") && !path.includes("/node_modules/");
}

/** Compressed like Debian's, without a time. */
export function gzipped(entry: Entry): Entry {
  if ("link" in entry) return { ...entry, path: `${entry.path}.gz`, link: `${entry.link}.gz` };
  const text = "text" in entry ? entry.text : readFileSync(entry.from);
  return { path: `${entry.path}.gz`, text: gzipSync(text, { level: 9 }) };
}

/** Everything of the single file's companion, as it lies below a prefix: /usr/local. */
export async function extraEntries(release: Release): Promise<readonly Entry[]> {
  return [
    ...below("share", completionEntries),
    ...below("share/man", await manEntries(release)),
    ...below("lib/systemd/system", unitEntries(release)),
    ...below("share/doc/phoenix", await documentEntries(release)),
  ];
}
