/** How the gateway treats the requests of a service. */
import { defaultServiceOptions, type ServiceOptions } from "../../model.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** A number with a unit. */
interface Notation {
  readonly noun: string;
  readonly pattern: RegExp;
  readonly factors: Readonly<Record<string, number>>;
  readonly hint: string;
}

const size: Notation = {
  noun: "size",
  pattern: /^(\d+)\s*([kmg]?)(?:i?b)?$/i,
  factors: { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 },
  hint: 'write it like 0, "16m" or "2g"',
};
const time: Notation = {
  noun: "time",
  pattern: /^(\d+)\s*([smhd]?)$/i,
  factors: { "": 1, s: 1, m: 60, h: 3600, d: 86_400 },
  hint: 'write it like 300, "300s", "10m" or "1h"',
};
/** Seconds: one year. A longer time is a mistake. */
const longest = 365 * 86_400;

export function readOptions(cell: Cell | undefined, problems: Problems): ServiceOptions {
  const timeout = cell?.get("read_timeout");
  const seconds = amount(timeout, time, problems);
  if (timeout !== undefined && seconds !== undefined && (seconds === 0 || seconds > longest))
    problems.report("PHX0309", timeout, "a timeout must be from one second to one year");
  return {
    maxBodyBytes: amount(cell?.get("max_body_size"), size, problems) ?? defaultServiceOptions.maxBodyBytes,
    readTimeoutSeconds: seconds ?? defaultServiceOptions.readTimeoutSeconds,
    buffering: cell?.get("buffering")?.flag ?? defaultServiceOptions.buffering,
  };
}

function amount(
  cell: Cell | undefined,
  { noun, pattern, factors, hint }: Notation,
  problems: Problems,
): number | undefined {
  if (cell?.text === undefined) return undefined;
  const [, digits, unit = ""] = pattern.exec(cell.text) ?? [];
  const value = Number(digits) * (factors[unit.toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : problems.invalid("PHX0309", cell, noun, hint);
}
