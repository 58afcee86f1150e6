/** Values as Go's standard library reads them, with its words for those that it refuses. Pure. */
import { isIP } from "node:net";
import { RE2JS, RE2JSSyntaxException } from "re2js";

/** A value that Go refuses. */
export class GoError extends Error {}

const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/** strconv.ParseInt. @throws GoError */
export function parseInt64(text: string): bigint {
  const fail = (why: string): never => {
    throw new GoError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  };
  if (!/^[+-]?\d+$/.test(text)) return fail("invalid syntax");
  const value = BigInt(text.replace(/^\+/, ""));
  return value < int64.least || value > int64.most ? fail("value out of range") : value;
}

/** strconv.ParseBool. @throws GoError */
export function parseBool(text: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new GoError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** time.ParseDuration, and Traefik's own form before it: an integer is seconds. In nanoseconds. @throws GoError */
export function parseDuration(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text) * 1e9;
  const invalid = (): never => {
    throw new GoError(`time: invalid duration ${JSON.stringify(text)}`);
  };
  const [, sign, body = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === "") return invalid();
  let sum = 0;
  for (let rest = body; rest !== ""; ) {
    const [part, number = "", unit = ""] = /^([\d.]*)([^\d.]*)/.exec(rest) ?? [];
    if (part === undefined || !/^(?:\d+\.?\d*|\.\d+)$/.test(number)) return invalid();
    if (unit === "") throw new GoError(`time: missing unit in duration ${JSON.stringify(text)}`);
    const size = nanoseconds[unit];
    if (size === undefined)
      throw new GoError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    sum += Number(number) * size;
    rest = rest.slice(part.length);
  }
  return sum >= 2 ** 63 ? invalid() : sign === "-" ? -sum : sum;
}

/** regexp.Compile. @throws GoError */
export function compileRegexp(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw new GoError(error.message);
    throw error;
  }
}

/** net.ParseIP or net.ParseCIDR: IPv4 without leading zeros, IPv6 without a zone. */
export function isAddressOrNetwork(text: string): boolean {
  const [, address = "", prefix] = /^([^/%]*)(?:\/(\d+))?$/.exec(text) ?? [];
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return bits > 0 && Number(prefix ?? 0) <= bits;
}

/** url.Parse, as far as it refuses: the reason. A text without a host is a path. */
export function urlFault(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return "net/url: invalid control character in URL";
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*)?:(.*)$/is.exec(text) ?? [];
  if (scheme === undefined) {
    if (text.startsWith(":")) return "missing protocol scheme";
    return /^[^/]*:/.test(text) ? "first path segment in URL cannot contain colon" : undefined;
  }
  const authority = /^\/\/([^/?#]*)/.exec(rest)?.[1];
  const host = authority?.replace(/^.*@/s, "");
  if (host === undefined) return undefined;
  const [, bracketed, port = ""] = /^(\[[^\]]*\])(.*)$/.exec(host) ?? [];
  if (host.startsWith("[") && bracketed === undefined) return "missing ']' in host";
  const colon = bracketed === undefined ? (/:.*/s.exec(host)?.[0] ?? "") : port;
  if (!/^(?::\d*)?$/.test(colon)) return `invalid port ${JSON.stringify(colon)} after host`;
  const sequence = /%(?![\da-fA-F]{2}).{0,2}/.exec(host)?.[0];
  if (sequence !== undefined) return `invalid URL escape ${JSON.stringify(sequence)}`;
  const character = /[ \\^`{|}]/.exec(host)?.[0];
  return character === undefined ? undefined : `invalid character ${JSON.stringify(character)} in host name`;
}
