/** `--keep`: how many generations the history keeps. */
import { option } from "../option-names.ts";
import type { Call } from "./command.ts";
import { number, type OptionDefinition } from "./options.ts";

export const keepOption: OptionDefinition = {
  flags: `${option.keep} <n>`,
  description: "generations to keep in the history, this run included (default: 50)",
};

/** @throws UsageError when it is not a number */
export function keepOf({ own }: Pick<Call, "own">): number | undefined {
  return typeof own.keep === "string" ? number(own.keep, option.keep, 1) : undefined;
}
