/** The part of Go's templates that `--format` is used with: fields, `json`, `index` and plain text. Pure. */
import { isYamlObject } from "./compose-values.ts";

/** @throws Error in Docker's words for anything else */
export function formatted(template: string, value: unknown): string {
  const text = template
    .replace(/^table /, "")
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n");
  return text.replace(/\{\{(.*?)\}\}/g, (_, inside: string) => evaluated(inside.trim(), value));
}

function evaluated(expression: string, value: unknown): string {
  const json = /^json\s+(\S+)$/.exec(expression);
  if (json !== null) return JSON.stringify(at(json[1] ?? "", value) ?? null);
  const index = /^(?:index\s+(\S+)|\.Label)\s+"([^"]*)"$/.exec(expression);
  if (index !== null) return printed(entry(at(index[1] ?? ".Labels", value), index[2] ?? ""));
  if (expression.startsWith(".") && !/\s/.test(expression)) return printed(at(expression, value));
  throw new Error(`template parsing error: template: :1: the lab does not know {{${expression}}}`);
}

/** @throws Error for a field that is not there, as Go has it for maps that came from JSON */
function at(path: string, value: unknown): unknown {
  return path
    .split(".")
    .filter((key) => key !== "")
    .reduce<unknown>((found, key) => {
      if (isYamlObject(found) && Object.hasOwn(found, key)) return found[key];
      throw new Error(
        `template parsing error: template: :1: executing "" at <${path}>: map has no entry for key "${key}"`,
      );
    }, value);
}

/** A map's entry; labels of `docker ps` are one text "a=b,c=d". */
function entry(map: unknown, key: string): unknown {
  if (isYamlObject(map)) return map[key] ?? "";
  const pairs = String(map).split(",");
  return pairs.find((pair) => pair.startsWith(`${key}=`))?.slice(key.length + 1) ?? "";
}

function printed(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(printed).join(" ")}]`;
  if (isYamlObject(value))
    return `map[${Object.entries(value)
      .map(([key, each]) => `${key}:${printed(each)}`)
      .join(" ")}]`;
  return String(value);
}
