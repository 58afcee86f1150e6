/** What Traefik 3.0.4 and 3.7.15 made of files and labels (test/cases/recorded/traefik, whose README tells how it was asked). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCases } from "../../script/record/cases.mjs";

const folder = join(import.meta.dirname, "../cases/recorded/traefik");

export interface RecordedObject {
  readonly status: "enabled" | "warning" | "disabled";
  readonly error?: readonly string[];
}

type RecordedSection = Readonly<Record<string, RecordedObject>>;

export interface RecordedAnswer {
  /** Whether the file was loaded; of labels always. */
  readonly accepted: boolean;
  /** Why it was not. */
  readonly message?: string;
  readonly routers?: RecordedSection;
  readonly services?: RecordedSection;
  readonly middlewares?: RecordedSection;
  /** Why a container or a router was dropped. */
  readonly log?: readonly string[];
}

export interface RecordedCase {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly oldest: RecordedAnswer;
  readonly newest: RecordedAnswer;
}

function answersOf(kind: string, version: string): Readonly<Record<string, RecordedAnswer>> {
  return JSON.parse(readFileSync(join(folder, `recorded-${kind}-${version}.json`), "utf8")).answers;
}

function recorded(kind: "files" | "labels", main: string): readonly RecordedCase[] {
  const [oldest, newest] = [answersOf(kind, "3.0.4"), answersOf(kind, "3.7.15")];
  return readCases(join(folder, kind), main).map(({ name, files }) => {
    const answers = { oldest: oldest[name], newest: newest[name] };
    if (answers.oldest === undefined || answers.newest === undefined) throw new Error(`no answer to ${name}`);
    return { name, files, oldest: answers.oldest, newest: answers.newest };
  });
}

/** Files for the file provider; the one under test is dynamic.yml. */
export const recordedFiles = recorded("files", "dynamic.yml");

/** The statuses of everything that came about, or "refused". */
export function outcomeOf(answer: RecordedAnswer): unknown {
  if (!answer.accepted) return "refused";
  const statuses = (section: RecordedSection | undefined): unknown =>
    Object.fromEntries(Object.entries(section ?? {}).map(([name, { status }]) => [name, status]));
  return {
    routers: statuses(answer.routers),
    services: statuses(answer.services),
    middlewares: statuses(answer.middlewares),
  };
}
