/** The shapes of the Compose specification, by its published schema: faults in plain words, one for each cause. */
import { nearest } from "../text/nearest.ts";
// From compose-go 2.9.1, which is Compose 2.40 (Apache-2.0), without its descriptions.
import spec from "./compose-spec.json" with { type: "json" };
import type { ComposeFault } from "./document.ts";
import { type Misfit, misfits, type Schema } from "./schema.ts";
import type { Value } from "./typed.ts";

/** What does not have the shape that the specification wants. */
export function shapeFaults(document: Value): readonly ComposeFault[] {
  return [
    ...misfits(document, spec as Schema).flatMap((misfit) => faultOf(misfit) ?? []),
    ...newerKeys(document, newer, []),
  ];
}

function faultOf(misfit: Misfit): ComposeFault | undefined {
  const { path, value } = misfit;
  const { place } = misfit.at;
  const name = nameOf(path);
  const written = JSON.stringify(value.simple ?? null);
  switch (misfit.fault) {
    case "type": {
      const hint = hintOf(misfit);
      return {
        message: `${name} must be ${typesOf(misfit.expected)}`,
        place,
        ...(hint === undefined ? {} : { hint }),
      };
    }
    case "unknown key":
      return unknownKey(path, misfit);
    case "invalid name":
      return {
        message: `${JSON.stringify(path.at(-1))} is not a valid name in ${ownerOf(path)}`,
        place,
        hint: 'letters, digits, ".", "_" and "-"',
      };
    case "missing key":
      return { message: `${name} must have ${JSON.stringify(misfit.key)}`, place };
    case "unknown word":
      return {
        message: `${written} is not a valid value of ${name}`,
        place,
        hint: misfit.allowed.join(", "),
      };
    case "pattern":
      // Compose 2.26 takes empty text for nothing.
      return {
        message: `${written} is not a valid value of ${name}`,
        place,
        ...(value.simple === "" ? { severity: "warning" } : {}),
      };
    case "limit":
      return { message: `${name} must be ${misfit.words}`, place };
    case "repeated":
      return isDeduplicated(path)
        ? undefined
        : { message: `${written} is there twice in ${ownerOf(path)}`, place };
  }
}

function hintOf({
  expected,
  value: { type, simple },
}: Misfit & { readonly fault: "type" }): string | undefined {
  if (!expected.includes("string")) return undefined;
  if (type === "number" || type === "boolean") return `quote it: "${simple}"`;
  return type === "object" && expected.length === 1
    ? 'write "NAME=value", or remove the "- " from every line'
    : undefined;
}

function unknownKey(
  path: readonly string[],
  { at: { place }, known }: Misfit & { readonly fault: "unknown key" },
): ComposeFault {
  const key = path.at(-1) ?? "";
  const message = `unknown key ${JSON.stringify(key)} in ${ownerOf(path)}`;
  const meant = nearest(key, known);
  // A later version may know it.
  return meant === undefined
    ? { message, place, severity: "warning", hint: "Compose refuses a file with an unknown key" }
    : { message, place, hint: `did you mean ${JSON.stringify(meant)}?` };
}

/** A value as the reader finds it: its key, or the list that it is in. */
export function nameOf(path: readonly string[]): string {
  const at = path.findLastIndex((part) => !/^\d+$/.test(part));
  if (at < 0) return "the file";
  if (at === 1 && path.length === 2) return `${sectionWords.get(path[0] ?? "") ?? path[0]} ${path[1]}`;
  return `${at < path.length - 1 ? "an item of " : ""}${JSON.stringify(path[at])}`;
}

/** What has the value at a path, as the reader finds it. */
export function ownerOf(path: readonly string[]): string {
  return path.length === 1 ? "a Compose file" : nameOf(path.slice(0, -1)).replace(/^an item of /, "");
}

const sectionWords = new Map([
  ["services", "service"],
  ["networks", "network"],
  ["volumes", "volume"],
  ["configs", "config"],
  ["secrets", "secret"],
]);

/** "text, a list or a mapping". */
export function typesOf(expected: readonly string[]): string {
  const words = [...new Set(expected.flatMap((type) => typeWords.get(type) ?? []))];
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** Nothing at all is never what a reader should write. */
const typeWords = new Map([
  ["boolean", "true or false"],
  ["integer", "a whole number"],
  ["number", "a number"],
  ["string", "text"],
  ["array", "a list"],
  ["object", "a mapping"],
]);

/** Lists whose repeats Compose drops before it looks at shapes (compose-go, override/uncity). */
const deduplicated = new Set(
  `annotations cap_add cap_drop configs devices dns dns_opt dns_search env_file environment expose labels links ports profiles
   secrets sysctls tmpfs volumes aliases link_local_ips`.split(/\s+/),
);

function isDeduplicated(path: readonly string[]): boolean {
  return deduplicated.has(path.at(-2) ?? "");
}

/** Keys that Compose 2.26 of Debian 13 does not know yet: "*" is any key or item. */
const newer = [
  "models",
  "services.*.models",
  "services.*.provider",
  "services.*.pull_refresh_after",
  "services.*.use_api_socket",
  "services.*.networks.*.interface_name",
  "services.*.volumes.*.image",
  "services.*.volumes.*.volume.labels",
].map((path) => path.split("."));

function newerKeys(
  value: Value,
  patterns: readonly (readonly string[])[],
  path: readonly string[],
): readonly ComposeFault[] {
  if (patterns.length === 0) return [];
  const below = (key: string) =>
    patterns.filter(([first]) => first === "*" || first === key).map(([, ...rest]) => rest);
  const items = value.items.flatMap((item, at) =>
    newerKeys(
      item,
      below("").filter((rest) => rest.length > 0),
      [...path, String(at)],
    ),
  );
  const members = [...value.members].flatMap(([key, { at, value: member }]) => {
    const rest = below(key);
    const message = `Compose 2.26 (Debian 13) refuses ${JSON.stringify(key)} in ${ownerOf([...path, key])}`;
    const own = rest.some((each) => each.length === 0)
      ? [
          {
            message,
            place: at.place,
            severity: "warning" as const,
            hint: "it needs Compose 2.38 or newer on the machine",
          },
        ]
      : [];
    return [
      ...own,
      ...newerKeys(
        member,
        rest.filter((each) => each.length > 0),
        [...path, key],
      ),
    ];
  });
  return [...items, ...members];
}
