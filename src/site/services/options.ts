/** How the gateway treats the requests of a service. */
import { defaultServiceOptions, type ServiceOptions } from "../../model.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

const units: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const spans: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };
/** Seconds: one year. A longer time is a mistake. */
const longest = 365 * 86_400;

export function readOptions(cell: Cell | undefined, problems: Problems): ServiceOptions {
  const size = amount(
    cell?.get("max_body_size"),
    /^(\d+)\s*([kmg]?)(?:i?b)?$/i,
    units,
    problems,
    "size",
    '0, "16m" or "2g"',
  );
  const time = amount(
    cell?.get("read_timeout"),
    /^(\d+)\s*([smhd]?)$/i,
    spans,
    problems,
    "time",
    '300, "300s", "10m" or "1h"',
  );
  if (time !== undefined && (time === 0 || time > longest)) {
    const at = cell?.get("read_timeout")?.ref;
    if (at !== undefined) problems.report("PHX0309", at, "a timeout must be from one second to one year");
  }
  return {
    maxBodyBytes: size ?? defaultServiceOptions.maxBodyBytes,
    readTimeoutSeconds: time ?? defaultServiceOptions.readTimeoutSeconds,
    buffering: cell?.get("buffering")?.flag ?? defaultServiceOptions.buffering,
  };
}

function amount(
  cell: Cell | undefined,
  pattern: RegExp,
  factors: Readonly<Record<string, number>>,
  problems: Problems,
  what: string,
  examples: string,
): number | undefined {
  if (cell?.text === undefined) return undefined;
  const [, digits, unit = ""] = pattern.exec(cell.text) ?? [];
  const value = Number(digits) * (factors[unit.toLowerCase()] ?? Number.NaN);
  if (Number.isSafeInteger(value)) return value;
  problems.report("PHX0309", cell.ref, `${JSON.stringify(cell.text)} is not a valid ${what}`, {
    hint: `write it like ${examples}`,
  });
  return undefined;
}
