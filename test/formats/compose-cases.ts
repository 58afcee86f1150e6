/** The recorded documents of Docker Compose, and what versions 2.26.1 and 2.40.3 said about them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCases } from "../../script/record/cases.mjs";

const root = join(import.meta.dirname, "../cases/recorded/compose");

export interface Answer {
  readonly accepted: boolean;
  readonly meaning?: Meaning;
  readonly message?: string;
}

interface Meaning {
  readonly services?: Readonly<Record<string, RecordedService>>;
  readonly volumes?: Readonly<Record<string, RecordedObject>>;
  readonly networks?: Readonly<Record<string, RecordedObject>>;
}

interface RecordedObject {
  readonly name: string;
  readonly external?: boolean;
}

export interface RecordedService {
  readonly image?: string;
  readonly container_name?: string;
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly ports?: readonly RecordedPort[];
  readonly restart?: string;
  readonly scale?: number;
  readonly deploy?: { readonly replicas?: number };
}

export interface RecordedPort {
  readonly host_ip?: string;
  readonly published?: string;
  readonly target?: number;
  readonly protocol?: string;
}

function answersOf(version: string): Readonly<Record<string, Answer>> {
  return JSON.parse(readFileSync(join(root, `recorded-${version}.json`), "utf8")).answers;
}

/** Answers by document: those of 2.26.1, and those of 2.40.3. */
export const [older, newer] = [answersOf("2.26.1"), answersOf("2.40.3")] as const;

/** The environment of the recorded program without what a case adds. */
export const machineVariables = { HOME: "/home/recorded", PATH: "/usr/bin", PWD: "/project" };

export interface Document {
  readonly name: string;
  /** Files beside the document, and itself, by their names. */
  readonly files: Readonly<Record<string, string>>;
  /** What the case adds to the program's environment. */
  readonly variables: Readonly<Record<string, string>>;
}

export const documents: readonly Document[] = readCases(join(root, "documents"), "docker-compose.yml").map(
  ({ name, files }) => {
    const lines = (files.variables ?? "").split("\n").filter((line) => line !== "");
    return { name, files, variables: Object.fromEntries(lines.map(assignmentIn)) };
  },
);

/** The name and the value of NAME=value. */
export function assignmentIn(line: string): readonly [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}
