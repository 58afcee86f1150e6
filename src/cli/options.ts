/** The global options: every command takes them, before or after its name. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { ComponentName } from "../component.ts";
import { componentNames } from "../components/index.ts";
import { defined } from "../defined.ts";
import { consents } from "../engine/order.ts";
import { UsageError } from "../errors.ts";
import { quoted } from "../formats/shell/quote.ts";
import { didYouMean } from "../formats/text/nearest.ts";
import { type OptionName, option } from "../option-names.ts";
import { siteFiles } from "../site/shapes/files.ts";

/** The directory of the site when nothing names another. */
export const defaultSite = "/usr/local/phoenix_hypervisor";

/** What `--allow` can name. */
export const consentNames = consents(componentNames);

export interface OptionDefinition {
  /** "-v, --verbose", "--site <dir>". */
  readonly flags: string;
  readonly description: string;
  /** Its value is one of these. */
  readonly choices?: readonly string[];
  /** Its value is a list of these, separated by commas. */
  readonly listOf?: readonly string[];
  /** It can be given more than once. */
  readonly repeatable?: true;
  /** The variable that gives it a value when it is not on the command line. */
  readonly environment?: string;
  /** Its value is a path. */
  readonly completes?: "directories" | "files";
}

export interface GlobalOptions {
  /** Absolute: named by the option or PHOENIX_SITE, or the one around the working directory when no lab is named. */
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
  readonly pager: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** What another command line must repeat to work on the same site and machines: " --lab /tmp/lab". */
  readonly repeat: string;
}

export const globalOptions: readonly OptionDefinition[] = [
  {
    flags: `${option.site} <dir>`,
    description: `site directory (default: the one you are in, else ${defaultSite})`,
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
    description: "reach the hypervisor over SSH (root@pve) when phoenix does not run on it",
  },
  {
    flags: `${option.only} <components>`,
    description: "only these components, separated by commas",
    repeatable: true,
    listOf: componentNames,
  },
  {
    flags: `${option.skip} <components>`,
    description: "every component except these, separated by commas",
    repeatable: true,
    listOf: componentNames,
  },
  { flags: option.dryRun, description: "show the plan and change nothing (same as `plan`)" },
  { flags: option.ask, description: "show the plan and ask before changing anything" },
  { flags: `-y, ${option.yes}`, description: "answer yes to harmless questions" },
  {
    flags: `${option.allow} <consent>`,
    description: `allow a dangerous step (repeatable): ${consentNames.join(", ")}`,
    choices: consentNames,
    repeatable: true,
  },
  {
    flags: `${option.parallel} <n>`,
    description: "maximum commands in parallel on the host and in its guests (default: 8)",
  },
  { flags: `${option.timeout} <seconds>`, description: "start nothing new after this time (default: none)" },
  {
    flags: `${option.lockWait} <seconds>`,
    description: "wait up to this many seconds for another run to end (default: 0)",
  },
  {
    flags: `${option.output} <format>`,
    description: "text, json or ndjson (default: text)",
    choices: ["text", "json", "ndjson"],
  },
  {
    flags: `${option.jsonInto} <file>`,
    description: "also write the JSON document to this file",
    completes: "files",
  },
  {
    flags: `${option.color} <when>`,
    description: "auto, always or never (default: auto)",
    choices: ["auto", "always", "never"],
  },
  { flags: option.full, description: "show long lists and texts in full" },
  { flags: option.pager, description: "write long text to the terminal without a pager" },
  { flags: `-v, ${option.verbose}`, description: "show each command, request and DNS query when it ends" },
  { flags: `-q, ${option.quiet}`, description: "show results and errors, no progress" },
];

/** "--site" of "--site <dir>", "--yes" of "-y, --yes". */
export function longName(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

/** The options from what the parser found, by long names in camel case. @throws UsageError */
export function parseOptions(
  found: Readonly<Partial<Record<OptionName, unknown>>>,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): GlobalOptions {
  const text = (name: OptionName): string | undefined =>
    typeof found[name] === "string" ? found[name] : undefined;
  const path = (value: string | undefined): string | undefined =>
    value === undefined || value === "" ? undefined : resolve(directory, value);
  const words = (name: OptionName): readonly string[] =>
    Array.isArray(found[name]) ? found[name].map(String) : [];
  const host = text("host");
  const lab = path(text("lab") ?? env.PHOENIX_LAB);
  if (host !== undefined && text("lab") !== undefined)
    throw new UsageError(`${option.lab} and ${option.host} exclude each other`, { hint: "give one of them" });
  return {
    ...defined({
      site: path(text("site") ?? env.PHOENIX_SITE) ?? (lab === undefined ? siteAround(directory) : undefined),
      lab: host === undefined ? lab : undefined,
      host,
      jsonInto: path(text("jsonInto")),
      parallel: number(text("parallel"), option.parallel, 1),
      timeoutMs: milliseconds(text("timeout"), option.timeout, 1),
    }),
    output: oneOf(text("output"), ["text", "json", "ndjson"]),
    color: oneOf(text("color"), ["auto", "always", "never"]),
    only: componentsIn(words("only"), option.only),
    skip: componentsIn(words("skip"), option.skip),
    dryRun: found.dryRun === true,
    yes: found.yes === true,
    ask: found.ask === true,
    allow: new Set(words("allow")),
    lockWaitMs: milliseconds(text("lockWait"), option.lockWait, 0) ?? 0,
    full: found.full === true,
    pager: found.pager !== false,
    verbose: found.verbose === true,
    quiet: found.quiet === true,
    repeat: (["site", "lab", "host"] as const).map((name) => repeated(name, text(name))).join(""),
  };
}

/** The directory itself or the nearest one above that holds a site; undefined when none does. */
export function siteAround(directory: string): string | undefined {
  if (existsSync(join(directory, siteFiles.hypervisor))) return directory;
  const parent = dirname(directory);
  return parent === directory ? undefined : siteAround(parent);
}

/** An option as a shell takes it, after a space: " --site '/srv/my site'". */
export function repeated(name: OptionName, value: string | undefined): string {
  if (value === undefined) return "";
  return ` ${option[name]} ${quoted(value)}`;
}

function componentsIn(words: readonly string[], flag: string): readonly ComponentName[] {
  const names = words
    .flatMap((word) => word.split(",").map((name) => name.trim()))
    .filter((name) => name !== "");
  const unknown = names.find((name) => !componentNames.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`${flag}: unknown component "${unknown}"`, {
    hint: didYouMean(unknown, componentNames) ?? `the components are ${componentNames.join(", ")}`,
  });
}

function oneOf<const Choice extends string>(
  value: string | undefined,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  return choices.find((choice) => choice === value) ?? choices[0];
}

export function number(value: string | undefined, flag: string, least: number): number | undefined {
  if (value === undefined) return undefined;
  const n = Number(value);
  if (!/^\d+$/.test(value) || n < least || !Number.isSafeInteger(n * 1000))
    throw new UsageError(`${flag} must be an integer, at least ${least}; got "${value}"`);
  return n;
}

function milliseconds(seconds: string | undefined, flag: string, least: number): number | undefined {
  const n = number(seconds, flag, least);
  return n === undefined ? undefined : n * 1000;
}
