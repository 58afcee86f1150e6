/** What a stack's things are called in the engine, and what all of its conversion shares. Pure. */
import { isYamlObject, pairsOf, type YamlObject } from "../compose-values.ts";
import type { Variables } from "../interpolation.ts";

export interface StackSource {
  readonly name: string;
  /** Where relative paths are looked for. */
  readonly directory: string;
  readonly variables: Variables;
  /** A file that the stack names; undefined when it is not there. */
  readonly readFile: (path: string) => string | undefined;
}

export const namespaceLabel = "com.docker.stack.namespace";
export const imageLabel = "com.docker.stack.image";

export type Json = Readonly<Record<string, unknown>>;

/** Members without a value are left out, as Go's encoder does. */
export function defined(members: Json): Json {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

export function membersOf(document: YamlObject, section: string): readonly (readonly [string, YamlObject])[] {
  const value = document[section];
  return isYamlObject(value)
    ? Object.entries(value).map(([name, each]) => [name, isYamlObject(each) ? each : {}] as const)
    : [];
}

export function labelsOf(value: unknown, more: Variables = {}): Variables {
  return {
    ...Object.fromEntries([...pairsOf(value)].map(([key, text]) => [key, text ?? ""])),
    ...more,
  };
}

/** What a network, volume, secret or config is called in the engine. */
export function realName(source: StackSource, key: string, value: YamlObject): string {
  const { external, name } = value;
  if (isYamlObject(external)) return String(external.name ?? name ?? key);
  if (external === true) return String(name ?? key);
  return typeof name === "string" ? name : `${source.name}_${key}`;
}

export const isExternal = ({ external }: YamlObject): boolean => external === true || isYamlObject(external);

/** "1m30s" in nanoseconds. */
export function nanoseconds(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const units: Readonly<Record<string, number>> = {
    ...{ ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 },
    ...{ m: 60e9, h: 3600e9 },
  };
  return [...value.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0),
    0,
  );
}
