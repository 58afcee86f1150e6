/** The long names of the command line's options, for the option table, hints and messages: no other file spells them in prose. */
export const option = {
  site: "--site",
  lab: "--lab",
  host: "--host",
  only: "--only",
  skip: "--skip",
  dryRun: "--dry-run",
  ask: "--ask",
  yes: "--yes",
  allow: "--allow",
  parallel: "--parallel",
  timeout: "--timeout",
  lockWait: "--lock-wait",
  output: "--output",
  jsonInto: "--json-into",
  color: "--color",
  full: "--full",
  verbose: "--verbose",
  quiet: "--quiet",
  version: "--version",
  help: "--help",
  into: "--into",
} as const;

/** An option by its key in what the parser finds: "lockWait". */
export type OptionName = keyof typeof option;
