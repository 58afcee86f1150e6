/** The options that every command takes, before or after its name. */
import { resolve } from "node:path";
import type { ComponentName } from "../component.ts";
import { componentNames } from "../components/index.ts";
import { consents } from "../engine/order.ts";
import { UsageError } from "../errors.ts";
import { nearest } from "../formats/text/nearest.ts";
import { option } from "../option-names.ts";

/** Where the described system keeps its configuration. */
export const defaultSite = "/usr/local/phoenix_hypervisor";

/** What `--allow` can name. */
export const consentNames = consents(componentNames);

export interface OptionDefinition {
  /** "-v, --verbose", "--site <dir>". */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** It can be given more than once. */
  readonly repeatable?: true;
  readonly environment?: string;
  readonly completes?: "components" | "consents" | "directories" | "files";
}

export interface GlobalOptions {
  /** Absolute; absent when neither the option nor PHOENIX_SITE names one. */
  readonly site?: string;
  /** Absolute. */
  readonly lab?: string;
  /** An ssh target. */
  readonly host?: string;
  readonly output: "text" | "json" | "ndjson";
  readonly jsonInto?: string;
  readonly color: "auto" | "always" | "never";
  readonly only: readonly ComponentName[];
  readonly skip: readonly ComponentName[];
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly ask: boolean;
  readonly allow: ReadonlySet<string>;
  readonly parallel?: number;
  readonly timeoutMs?: number;
  readonly lockWaitMs: number;
  readonly full: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** What another command line must repeat to mean the same world: " --lab /tmp/lab". */
  readonly repeat: string;
}

export const globalOptions: readonly OptionDefinition[] = [
  {
    flags: `${option.site} <dir>`,
    description: `the site's directory (default: ${defaultSite})`,
    environment: "PHOENIX_SITE",
    completes: "directories",
  },
  {
    flags: `${option.lab} <dir>`,
    description: "work on the embedded lab in this directory instead of real machines",
    environment: "PHOENIX_LAB",
    completes: "directories",
  },
  {
    flags: `${option.host} <target>`,
    description: "the hypervisor, by ssh (root@pve), when phoenix does not run on it",
  },
  {
    flags: `${option.only} <components>`,
    description: "only these components (a,b)",
    repeatable: true,
    completes: "components",
  },
  {
    flags: `${option.skip} <components>`,
    description: "all components but these (a,b)",
    repeatable: true,
    completes: "components",
  },
  { flags: option.dryRun, description: "show what would be done and change nothing (as `plan`)" },
  { flags: option.ask, description: "show the plan and wait for a yes before anything is changed" },
  { flags: `-y, ${option.yes}`, description: "answer harmless questions with yes" },
  {
    flags: `${option.allow} <consent>`,
    description: "allow one dangerous thing by name; can be repeated",
    choices: consentNames,
    repeatable: true,
    completes: "consents",
  },
  {
    flags: `${option.parallel} <n>`,
    description: "at most so many commands at a time on the host, and in guests (default: 8)",
  },
  { flags: `${option.timeout} <seconds>`, description: "begin nothing new after this time (default: none)" },
  { flags: `${option.lockWait} <seconds>`, description: "wait so long for another run to end (default: 0)" },
  {
    flags: `${option.output} <form>`,
    description: "text, json or ndjson",
    choices: ["text", "json", "ndjson"],
  },
  {
    flags: `${option.jsonInto} <file>`,
    description: "write the JSON document to a file as well",
    completes: "files",
  },
  {
    flags: `${option.color} <when>`,
    description: "auto, always or never",
    choices: ["auto", "always", "never"],
  },
  { flags: option.full, description: "show long lists and texts whole" },
  { flags: `-v, ${option.verbose}`, description: "show each command, request and question as it ends" },
  { flags: `-q, ${option.quiet}`, description: "show results and errors, no progress" },
];

/**
 * The options from what the parser found, by long names in camel case.
 * @throws UsageError
 */
export function parseOptions(
  found: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): GlobalOptions {
  const text = (name: string): string | undefined =>
    typeof found[name] === "string" ? found[name] : undefined;
  const path = (name: string, variable: string): string | undefined => {
    const value = text(name) ?? (env[variable] === "" ? undefined : env[variable]);
    return value === undefined ? undefined : resolve(directory, value);
  };
  const words = (name: string): readonly string[] =>
    Array.isArray(found[name]) ? found[name].map(String) : [];
  const site = path("site", "PHOENIX_SITE");
  const lab = path("lab", "PHOENIX_LAB");
  const host = text("host");
  if (lab !== undefined && host !== undefined && text("lab") !== undefined)
    throw new UsageError(`${option.lab} and ${option.host} name two different worlds`, {
      hint: "give one of them",
    });
  const parallel = number(text("parallel"), option.parallel, 1);
  const timeout = number(text("timeout"), option.timeout, 1);
  const jsonInto = text("jsonInto");
  return {
    ...(site === undefined ? {} : { site }),
    ...(lab === undefined || host !== undefined ? {} : { lab }),
    ...(host === undefined ? {} : { host }),
    ...(jsonInto === undefined ? {} : { jsonInto: resolve(directory, jsonInto) }),
    ...(parallel === undefined ? {} : { parallel }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    output: oneOf(text("output"), ["text", "json", "ndjson"]),
    color: oneOf(text("color"), ["auto", "always", "never"]),
    only: names(words("only"), option.only),
    skip: names(words("skip"), option.skip),
    dryRun: found.dryRun === true,
    yes: found.yes === true,
    ask: found.ask === true,
    allow: new Set(words("allow")),
    lockWaitMs: (number(text("lockWait"), option.lockWait, 0) ?? 0) * 1000,
    full: found.full === true,
    verbose: found.verbose === true,
    quiet: found.quiet === true,
    repeat: ["site", "lab", "host"].flatMap((name) => repeated(name, text(name))).join(""),
  };
}

function repeated(name: string, value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  return [` --${name} ${/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}`];
}

/** The component of that name. @throws UsageError with the nearest of them and of `other` words that could stand there */
export function componentNamed(word: string, where: string, other: readonly string[] = []): ComponentName {
  const name = componentNames.find((candidate) => candidate === word);
  if (name !== undefined) return name;
  const near = nearest(word, [...componentNames, ...other]);
  throw new UsageError(`${where}: there is no component "${word}"`, {
    hint: near === undefined ? `the components are ${componentNames.join(", ")}` : `did you mean ${near}?`,
  });
}

function names(words: readonly string[], option: string): readonly ComponentName[] {
  const parts = words.flatMap((word) => word.split(",")).map((word) => word.trim());
  return parts.filter((word) => word !== "").map((word) => componentNamed(word, option));
}

function oneOf<const Choice extends string>(
  value: string | undefined,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  return choices.find((choice) => choice === value) ?? choices[0];
}

function number(value: string | undefined, option: string, least: number): number | undefined {
  if (value === undefined) return undefined;
  const n = Number(value);
  if (!/^\d+$/.test(value) || n < least || !Number.isSafeInteger(n * 1000))
    throw new UsageError(`${option} takes a whole number from ${least} on, not "${value}"`);
  return n;
}
