/** The files of an imported site on disk. A site appears whole or not at all; a file is replaced whole. */
import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isMissing, messageOf, SiteError } from "../errors.ts";
import { isObject, member, parseJson } from "../formats/json/index.ts";
import { hasSiteFiles, namesInTheWay } from "../site/place.ts";
import { type FileMerge, mergedSite, type Remembered, remembered } from "./merge/site.ts";
import type { SiteFile } from "./write.ts";

/** What is remembered of the last import, below the site's root. */
const memory = ".import/last.json";
const memoryVersion = 1;

/** Whether a directory has a site already. @throws SiteError when that cannot be told, and where it has something else */
export async function hasSite(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    if (hasSiteFiles(names) || names.includes(dirname(memory))) return true;
    if (namesInTheWay(names).length === 0) return false;
    throw new SiteError(`${directory} is not empty, and has no site`, {
      hint: "name a directory that is empty or does not exist yet",
    });
  } catch (error) {
    if (error instanceof SiteError) throw error;
    if (isMissing(error)) return false;
    throw new SiteError(`cannot read ${directory}: ${messageOf(error)}`, {
      hint: "name a directory that is empty or does not exist yet",
    });
  }
}

/** Writes the files, with missing directories. @throws SiteError */
export async function writeSite(directory: string, files: readonly SiteFile[]): Promise<void> {
  try {
    for (const { path, text, isSecret } of files) await write(join(directory, path), text, isSecret === true);
  } catch (error) {
    throw new SiteError(`cannot write the site to ${directory}: ${messageOf(error)}`);
  }
}

async function write(path: string, text: string, isSecret: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, isSecret ? { mode: 0o600 } : {});
}

/** Writes a new site: beside its place, to be moved in whole; into a directory that is there, a file at a time. @throws SiteError */
export async function writeNewSite(directory: string, files: readonly SiteFile[]): Promise<void> {
  if (existsSync(directory)) {
    const present = await presentFiles(
      directory,
      files.map(({ path }) => path),
    );
    return writeMerge(directory, mergedSite(new Map(), present, files), files);
  }
  const parent = dirname(directory);
  await guarded(directory, async () => {
    await mkdir(parent, { recursive: true });
    const fresh = await mkdtemp(join(parent, `.${basename(directory)}-`));
    try {
      const site = join(fresh, "site");
      await mkdir(site);
      await writeSite(site, files);
      await write(join(site, memory), memoryText(files), true);
      await rename(site, directory);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
}

/**
 * What the last import into a directory wrote; nothing where none is remembered.
 * @throws SiteError for a newer format, and for a text that import did not write
 */
export async function lastImport(directory: string): Promise<ReadonlyMap<string, Remembered>> {
  const text = (await presentFiles(directory, [memory])).get(memory);
  if (text === undefined) return new Map();
  const document = parseJson(text);
  const version = member(document, "version");
  if (typeof version === "number" && version > memoryVersion)
    throw new SiteError(
      `${memory} was written by a newer phoenix: it has format ${version}, not ${memoryVersion}`,
      {
        hint: "use that one, or another directory",
      },
    );
  if (version !== memoryVersion || !isObject(member(document, "files")))
    throw new SiteError(`${join(directory, memory)} is damaged: what the last import wrote is not known`, {
      hint: "restore it; or remove it: then what you edited shows as different from the host, and stays",
    });
  const files = member(document, "files");
  return new Map(
    Object.entries(isObject(files) ? files : {}).flatMap(([path, file]): [string, Remembered][] => {
      const [own, fingerprint] = [member(file, "text"), member(file, "fingerprint")];
      if (typeof own === "string") return [[path, { text: own }]];
      return typeof fingerprint === "string" ? [[path, { fingerprint }]] : [];
    }),
  );
}

function memoryText(files: readonly SiteFile[]): string {
  return `${JSON.stringify({ version: memoryVersion, files: Object.fromEntries(remembered(files)) }, undefined, 1)}\n`;
}

/** The texts of the files at these paths that are there. @throws SiteError when one cannot be read */
export async function presentFiles(
  directory: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  await guarded(directory, async () => {
    for (const path of paths) {
      const text = await readFile(join(directory, path), "utf8").catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw new SiteError(`cannot read ${join(directory, path)}: ${messageOf(error)}`);
      });
      if (text !== undefined) texts.set(path, text);
    }
  });
  return texts;
}

/**
 * Writes what a merge changes: all files beside their places first, then each into its place, and what is remembered at last, so
 * that an interrupted merge is finished by the next. @throws SiteError
 */
export async function writeMerge(
  directory: string,
  merges: readonly FileMerge[],
  files: readonly SiteFile[],
): Promise<void> {
  const changed = merges.filter(({ verb }) => verb !== "unchanged");
  await guarded(directory, async () => {
    await mkdir(join(directory, dirname(memory)), { recursive: true });
    const fresh = await mkdtemp(join(directory, dirname(memory), "next-"));
    try {
      for (const { path, after, isPrivate } of changed) {
        await write(join(fresh, path), after, isPrivate);
        const mode = isPrivate ? undefined : await modeOf(join(directory, path));
        if (mode !== undefined) await chmod(join(fresh, path), mode);
      }
      await write(join(fresh, "last.json"), memoryText(files), true);
      for (const { path } of changed) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await rename(join(fresh, path), await behindLinks(join(directory, path)));
      }
      await rename(join(fresh, "last.json"), join(directory, memory));
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
}

/** Where a file is that a person put a link to. */
function behindLinks(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** The mode that a person gave a file. */
async function modeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mode;
}

async function guarded(directory: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SiteError) throw error;
    throw new SiteError(`cannot use ${directory} for the site: ${messageOf(error)}`);
  }
}
