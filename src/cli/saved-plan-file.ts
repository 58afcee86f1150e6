/** The file of a saved plan: read with care, replaced as a whole, readable by its owner alone. */
import { open, readFile, stat } from "node:fs/promises";
import { isMissing, messageOf, SiteError } from "../errors.ts";
import { isObject, listOf, member, textOf } from "../formats/json/index.ts";
import { option } from "../option-names.ts";
import type { SavedPlanDocument } from "../render/output-saved-plan.ts";
import { refuseUnwritable, replaceFile } from "./json-file.ts";

const format = "phoenix.saved-plan/";
const version = 1;
/** Bytes: many times the plan of ten thousand guests. */
const largest = 64 * 1024 * 1024;

const savesOne = `\`phoenix plan ${option.out} FILE\` saves a plan`;

/** @throws SiteError where a plan must not be saved: something else is there, or nothing can be written */
export async function refuseOther(path: string): Promise<void> {
  await refuseUnwritable(path);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || (found.isFile() && found.size === 0)) return;
  const refused = (why: string) =>
    new SiteError(`refused to overwrite ${path}: ${why}`, { hint: "name another file, or remove it first" });
  if (!found.isFile()) throw refused("it is not a regular file");
  if (!(await beginning(path)).includes(`"${format}`)) throw refused("it is not a saved plan");
}

export async function writeSavedPlan(path: string, document: SavedPlanDocument): Promise<void> {
  await replaceFile(path, `${JSON.stringify(document, null, 2)}\n`);
}

/** @throws SiteError for a file that cannot be read, or that is not a whole saved plan of a version that this phoenix knows */
export async function readSavedPlan(path: string): Promise<SavedPlanDocument> {
  const text = await textOfFile(path);
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    const isCut = text.slice(0, 200).includes(`"${format}`);
    throw new SiteError(
      `${path} ${isCut ? "is damaged: it is not valid JSON any more" : "is not a saved plan"}`,
      {
        hint: isCut ? `save the plan again: \`phoenix plan ${option.out} FILE\`` : savesOne,
      },
    );
  }
  const name = textOf(found, "format");
  if (!name.startsWith(format)) {
    const isShown = name === "phoenix.plan/1";
    throw new SiteError(`${path} is not a saved plan${isShown ? `, but the output of a plan` : ""}`, {
      hint: savesOne,
    });
  }
  if (Number(name.slice(format.length)) > version)
    throw new SiteError(`${path} was saved by a newer phoenix: expected ${format}${version}, got ${name}`, {
      hint: "apply it with that one, or save the plan again with this one",
    });
  if (isWhole(found)) return found;
  throw new SiteError(`${path} is damaged: parts of the plan are missing`, {
    hint: `save the plan again: \`phoenix plan ${option.out} FILE\``,
  });
}

/** "root@pve can be written by others": why a person may want to look at a file before it is applied; undefined when all is well. */
export async function writableBy(path: string): Promise<string | undefined> {
  const found = await stat(path);
  const isOthers = found.uid !== 0 && found.uid !== (process.geteuid?.() ?? 0);
  if (isOthers) return `${path} belongs to another user`;
  const mode = (found.mode & 0o777).toString(8);
  return (found.mode & 0o022) === 0 ? undefined : `${path} can be written by others (mode ${mode})`;
}

/** Everything that is used before the seal is checked; the seal stands for the rest. */
function isWhole(found: unknown): found is SavedPlanDocument {
  const targets = member(found, "targets");
  const lists = ["only", "skip", "resources", "allow"].map((key) => member(targets, key));
  return (
    isObject(found) &&
    typeof found.seal === "string" &&
    typeof found.created === "string" &&
    typeof found.phoenix === "string" &&
    isObject(found.host) &&
    typeof found.host.id === "string" &&
    typeof found.host.name === "string" &&
    typeof member(targets, "words") === "string" &&
    [...lists, found.text].every(
      (list) => Array.isArray(list) && listOf(list).every((_, at) => isText(list[at])),
    )
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

async function textOfFile(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (!found.isFile())
      throw new SiteError(`cannot read the plan: ${path} is not a regular file`, { hint: savesOne });
    if (found.size > largest)
      throw new SiteError(`${path} is not a saved plan: it is too large`, { hint: savesOne });
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof SiteError) throw error;
    const why = isMissing(error) ? "it does not exist" : messageOf(error);
    throw new SiteError(`cannot read the plan ${path}: ${why}`, { hint: savesOne });
  }
}

async function beginning(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
