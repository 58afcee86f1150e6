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

/** Labels of containers; the one under test is "container app". */
export const recordedLabels = recorded("labels", "container app");

/** A container of a case of labels. */
export interface RecordedContainer {
  readonly name: string;
  readonly labels: readonly (readonly [key: string, value: string])[];
  /** "80/tcp", or with the published ones "127.0.0.1:8080:80/tcp". */
  readonly ports: readonly string[];
  /** Of the container: its network mode, state and health. */
  readonly marks: Readonly<Record<string, string>>;
}

/** The containers of a case, in their order. */
export function containersOf({ files }: RecordedCase): readonly RecordedContainer[] {
  return Object.entries(files)
    .filter(([file]) => file.startsWith("container "))
    .map(([file, text]) => {
      const lines = text
        .replace(/\n$/, "")
        .replace(/\n(?=[ \t])/g, "\0")
        .split("\n")
        .filter((line) => line !== "");
      const marks = Object.fromEntries(
        lines.flatMap((line) => {
          const [, key, value = ""] = /^@(\w+)(?: (.*))?$/.exec(line) ?? [];
          return key === undefined ? [] : [[key, value]];
        }),
      );
      const labels = lines
        .filter((line) => !line.startsWith("@"))
        .map((line) => {
          const at = line.indexOf("=");
          return [line.slice(0, at), line.slice(at + 1).replaceAll("\0", "\n")] as const;
        });
      const ports = (marks.ports ?? "80/tcp").split(" ").filter((port) => port !== "");
      return { name: file.slice("container ".length), labels, ports, marks };
    });
}

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
