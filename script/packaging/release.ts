/** What is released: its version, and the date that every file of a package has. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Release {
  /** The checkout. */
  readonly root: string;
  readonly version: string;
  /** The version as Debian compares them: a pre-release comes before its release. */
  readonly debianVersion: string;
  readonly description: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** "2026-11-28". */
  readonly date: string;
}

/** Reads package.json; the date is that of SOURCE_DATE_EPOCH, else of the last commit, else of the last release. */
export function readRelease(root: string): Release {
  const { version, description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const time = Number(process.env.SOURCE_DATE_EPOCH ?? timeOfCommit(root) ?? timeOfRelease(root));
  if (!Number.isSafeInteger(time)) throw new Error("SOURCE_DATE_EPOCH must be seconds since the epoch");
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  return { root, version, debianVersion: `${version.replace("-", "~")}-1`, description, time, date };
}

function timeOfCommit(root: string): string | undefined {
  try {
    return execFileSync("git", ["-C", root, "log", "-1", "--format=%ct"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    // A source tree without its history.
    return undefined;
  }
}

function timeOfRelease(root: string): number {
  const changes = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const date = /^## \S+ - (\d{4}-\d{2}-\d{2})$/m.exec(changes)?.[1];
  return Date.parse(`${date}T00:00:00Z`) / 1000;
}
