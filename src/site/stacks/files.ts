/** The declared stacks: a directory for each below stacks/, and the entries of the older single file. */
import type { ComposeFile } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { firstUnseen } from "../../unseen.ts";
import { readDocument } from "../documents.ts";
import { siteFiles } from "../shapes/files.ts";
import { stackShape, stacksShape } from "../shapes/stack.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";

export const stacksDirectory = "stacks";
export const olderStacksFile = siteFiles.stacks;
const composeNames = ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"];

/** A stack as its files declare it, whether or not any machine runs it. */
export interface DeclaredStack {
  readonly name: string;
  /** Relative to the root; files of the stack are searched here first. */
  readonly directory: string;
  /** phoenix.json, or the entry of the older file; absent when there is neither. */
  readonly config: Cell | undefined;
  readonly compose: ComposeFile | undefined;
  readonly from: SourceRef;
  /** Declared in the older file only. */
  readonly isOlder: boolean;
  /** A file of it is there and could not be read, which is reported. */
  readonly isUnread: boolean;
}

/** Every declared stack by name. */
export async function readStacks(
  files: SiteFiles,
  problems: Problems,
): Promise<ReadonlyMap<string, DeclaredStack>> {
  // No directory, no stacks: one that a machine names is reported there.
  const directories = files.directories(stacksDirectory);
  const older = (await files.exists(olderStacksFile))
    ? await readDocument(files, olderStacksFile, () => stacksShape, problems)
    : undefined;
  const entries = new Map(
    [...(older?.get("docker_stacks")?.entries() ?? [])].filter(([, cell]) => cell.isObject),
  );
  const own = await Promise.all(
    directories.map((name) => readDirectory(files, name, entries.get(name), problems)),
  );
  const stacks = new Map(own.flatMap((stack) => (stack === undefined ? [] : [[stack.name, stack] as const])));
  for (const [name, cell] of entries)
    if (!stacks.has(name)) stacks.set(name, await readEntry(files, name, cell, problems));
  return stacks;
}

async function readDirectory(
  files: SiteFiles,
  name: string,
  entry: Cell | undefined,
  problems: Problems,
): Promise<DeclaredStack | undefined> {
  const directory = `${stacksDirectory}/${name}`;
  const character = firstUnseen(name);
  if (character !== undefined)
    return problems.report(
      "PHX0108",
      { file: directory, line: 1, column: 1 },
      `the name of this directory has the character ${character}, which cannot be seen`,
      { hint: "rename it" },
    );
  const configName = `${directory}/phoenix.json`;
  const [hasConfig, ...hasCompose] = await Promise.all(
    [configName, ...composeNames.map((each) => `${directory}/${each}`)].map((file) => files.exists(file)),
  );
  const present = composeNames.filter((_, at) => hasCompose[at] === true);
  // A directory with neither holds something else.
  if (!hasConfig && present.length === 0) return undefined;
  const [first, second] = present;
  const from = { file: hasConfig ? configName : `${directory}/${first}`, line: 1, column: 1 };
  const message = `stack ${name} has several Compose files: ${present.join(", ")}`;
  if (second !== undefined)
    problems.report("PHX0404", { file: `${directory}/${second}`, line: 1, column: 1 }, message, {
      hint: "keep one of them",
    });
  const config = hasConfig ? await readDocument(files, configName, () => stackShape, problems) : entry;
  const composeName = first === undefined ? undefined : `${directory}/${first}`;
  const text = composeName === undefined ? undefined : (await files.read(composeName))?.text;
  const compose = composeName === undefined || text === undefined ? undefined : { file: composeName, text };
  const isUnread =
    (hasConfig === true && config === undefined) || (first !== undefined && compose === undefined);
  return { name, directory, config, compose, from, isOlder: false, isUnread };
}

async function readEntry(
  files: SiteFiles,
  name: string,
  config: Cell,
  problems: Problems,
): Promise<DeclaredStack> {
  const path = config.get("compose_file_path");
  const isThere = path?.text !== undefined && (await files.exists(path.text));
  const file = isThere && path?.text !== undefined ? await files.within(path.text) : undefined;
  if (isThere && file === undefined && path !== undefined)
    problems.report("PHX0407", path, `${path.text} is outside of the site`);
  const text = file === undefined ? undefined : (await files.read(file, path?.ref))?.text;
  return {
    name,
    directory: file?.includes("/") === true ? file.slice(0, file.lastIndexOf("/")) : stacksDirectory,
    config,
    compose: file === undefined || text === undefined ? undefined : { file, text },
    from: config.ref,
    isOlder: true,
    isUnread: isThere && text === undefined,
  };
}
