/** Values of Traefik's dynamic configuration: what 3.0.4 and 3.7.15 read them as, and which of them they refuse. Pure. */
import type { Fault } from "../fault.ts";
import { regexpFault } from "../go/regexp.ts";
import { parseBool, parseDuration, parseInt64 } from "../go/values.ts";
import { addressRange } from "../ipv4/index.ts";
import { conditionFault } from "./condition.ts";

/** Why a value is refused; undefined for one that is taken. */
type Check<T> = (value: T) => Fault | string | undefined;

interface Text {
  readonly base: "text";
  readonly check?: Check<string>;
}
interface List {
  readonly base: "list";
  /** Of each item. */
  readonly check?: Check<string>;
}
interface Numeral {
  readonly base: "number";
  readonly check?: Check<number>;
}
interface Duration {
  readonly base: "duration";
  /** Of nanoseconds. */
  readonly check?: Check<number>;
}

const regexp: Check<string> = (text) => {
  const fault = regexpFault(text.trim());
  return fault === undefined ? undefined : { message: fault, hint: "Traefik takes Go's syntax (RE2)" };
};

const kinds = {
  text: { base: "text" },
  list: { base: "list" },
  number: { base: "number" },
  boolean: { base: "boolean" },
  duration: { base: "duration" },
  /** A regular expression. */
  pattern: { base: "text", check: regexp },
  patterns: { base: "list", check: regexp },
  networks: {
    base: "list",
    check: (text) =>
      isNetwork(text) ? undefined : `${JSON.stringify(text)} is not a valid address or network`,
  },
  users: { base: "list", check: (user) => userFault(user, 2, "NAME:HASH, as htpasswd prints it") },
  digests: { base: "list", check: (user) => userFault(user, 3, "NAME:REALM:HASH, as htdigest prints it") },
  /** Ranges of HTTP statuses. */
  statuses: {
    base: "list",
    check: (range) =>
      /^[+-]?\d+(?:-[+-]?\d+)?$/.test(range) ? undefined : `${JSON.stringify(range)} is not a valid status`,
  },
  status: {
    base: "number",
    check: (code) => (code === 0 || isStatus(code) ? undefined : `${code} is not a valid HTTP status`),
  },
  mediaTypes: {
    base: "list",
    check: (type) => (mediaType.test(type) ? undefined : `${JSON.stringify(type)} is not a valid media type`),
  },
  /** How often, at least once. */
  times: { base: "number", check: (number) => (number >= 1 ? undefined : `${number} is less than 1`) },
  bytes: { base: "number", check: (number) => (number >= 0 ? undefined : `${number} is less than 0`) },
  percent: {
    base: "number",
    check: (number) => (number >= 0 && number <= 100 ? undefined : `${number} is not between 0 and 100`),
  },
  period: { base: "duration", check: (time) => (time >= 0 ? undefined : "a period cannot be negative") },
  breaker: { base: "text", check: (text) => conditionFault(text, "circuitBreaker") },
  retry: { base: "text", check: (text) => (text === "" ? undefined : conditionFault(text, "buffering")) },
  /** A file that nothing puts where Traefik runs. */
  file: {
    base: "text",
    check: (path) => (path === "" ? undefined : `${JSON.stringify(path)} would be a file in the mesh guest`),
  },
  /** A certificate: its text, or a file as well. */
  pem: {
    base: "text",
    check: (text) =>
      text === "" || text.includes("-----BEGIN ")
        ? undefined
        : `${JSON.stringify(text)} would be a file in the mesh guest`,
  },
  encoding: {
    base: "text",
    check: (name) =>
      /^(?:gzip|br|zstd|)$/.test(name) ? undefined : `unknown encoding ${JSON.stringify(name)}`,
  },
  strategy: {
    base: "text",
    check: (name) =>
      /^(?:wrr|p2c|hrw|leasttime|)$/.test(name) ? undefined : `unknown strategy ${JSON.stringify(name)}`,
  },
} as const satisfies Readonly<
  Record<string, Text | List | Numeral | Duration | { readonly base: "boolean"; readonly check?: never }>
>;

export type Kind = keyof typeof kinds;

/** A value as it is written to a file, or why Traefik refuses it. */
export type ReadValue = { readonly value: unknown } | { readonly fault: Fault };

/** What a kind is called in messages. */
const names = {
  text: "text",
  list: "list",
  number: "number",
  boolean: "boolean",
  duration: "duration",
} as const;

/**
 * Reads a value: the text of a label, the items of one with indices, or what stands in a file. Durations keep their text:
 * Go's notation, or digits alone for seconds.
 */
export function readValue(kind: Kind, raw: unknown): ReadValue {
  const { base, check } = kinds[kind] as
    | Text
    | List
    | Numeral
    | Duration
    | { base: "boolean"; check?: never };
  const text = String(raw);
  if (Array.isArray(raw) && base !== "list") return invalid(base, text);
  switch (base) {
    case "text":
      return checked(text, check?.(text));
    case "list": {
      const items = Array.isArray(raw) ? raw.map(String) : text === "" ? [] : text.split(",");
      const list = items.map((item) => item.trim());
      return checked(list, firstOf(list, check));
    }
    case "boolean": {
      const value = parseBool(text);
      return value === undefined ? invalid(base, text, "true or false") : { value };
    }
    case "duration": {
      const time = /^[+-]?\d+$/.test(text) ? Number(text) * 1e9 : parseDuration(text);
      return time === undefined
        ? invalid(base, text, "a number with its unit, as in 1m30s or 500ms")
        : checked(text, check?.(time));
    }
    case "number": {
      const number = parseInt64(text);
      if (number === undefined) return invalid(base, text);
      // JSON could not hold it.
      if (!Number.isSafeInteger(Number(number))) return invalid(base, text, "at most 9007199254740991");
      return checked(Number(number), check?.(Number(number)));
    }
  }
}

function firstOf(items: readonly string[], check: Check<string> | undefined): Fault | string | undefined {
  return items.map((item) => check?.(item)).find((fault) => fault !== undefined);
}

function checked(value: unknown, fault: Fault | string | undefined): ReadValue {
  if (fault === undefined) return { value };
  return { fault: typeof fault === "string" ? { message: fault } : fault };
}

function invalid(base: keyof typeof names, text: string, hint?: string): ReadValue {
  const message = `${JSON.stringify(text)} is not a valid ${names[base]}`;
  return { fault: hint === undefined ? { message } : { message, hint } };
}

/** Whether a text is an address or a network of IPv4 or IPv6, as Go reads them; host bits are fine. */
export function isNetwork(text: string): boolean {
  if (!text.includes(":")) return !text.includes("-") && addressRange(text) !== undefined;
  const [, address = "", prefix = "0"] = /^([\da-f:.]+)(?:\/(\d+))?$/i.exec(text) ?? [];
  return URL.canParse(`http://[${address}]/`) && Number(prefix) <= 128;
}

/** The message quotes nothing: a part that is wrong may be the hash, or a password. */
function userFault(user: string, parts: number, hint: string): Fault | undefined {
  return user.split(":").length === parts
    ? undefined
    : { message: "an entry has not the form of a user", hint };
}

/** The statuses that Go has a text for. */
function isStatus(code: number): boolean {
  const ranges = [
    [100, 103],
    [200, 208],
    [226, 226],
    [300, 305],
    [307, 308],
    [400, 418],
    [421, 426],
    [428, 429],
    [431, 431],
    [451, 451],
    [500, 508],
    [510, 511],
  ] as const;
  return ranges.some(([first, last]) => code >= first && code <= last);
}

const mediaType = /^[\w!#$%&'*+.^`|~-]+(?:\/[\w!#$%&'*+.^`|~-]+)?\s*(?:;.*)?$/;
