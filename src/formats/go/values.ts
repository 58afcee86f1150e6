/** Numbers, booleans and durations as Go's standard library reads them. Pure. */

/** strconv.ParseInt with 64 bits; undefined for what it refuses: spaces, underscores, other bases, larger numbers. */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** strconv.ParseBool; undefined for any other word. */
export function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}

/** Nanoseconds by unit. */
const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

const part = /(\d+\.?\d*|\.\d+)(ns|[uµμm]s|[smh])/y;

/** time.ParseDuration, in nanoseconds; undefined for what it refuses: days, spaces, numbers without a unit, centuries. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const start = /^[+-]/.test(text) ? 1 : 0;
  let sum = 0;
  part.lastIndex = start;
  do {
    const [, number, unit = ""] = part.exec(text) ?? [];
    if (number === undefined) return undefined;
    sum += Number(number) * (units[unit] ?? 0);
  } while (part.lastIndex < text.length);
  if (sum >= 2 ** 63) return undefined;
  return text.startsWith("-") ? -sum : sum;
}
