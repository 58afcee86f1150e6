/** The shapes of the Compose specification, by its published schema. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import schema from "../../src/formats/compose/compose-spec.json" with { type: "json" };
import { invalid } from "./compose-errors.ts";
import type { YamlObject } from "./compose-values.ts";

let compiled: ValidateFunction | undefined;

/** @throws ComposeError in the words of Compose 2.26 for the first thing that has a wrong shape */
export function checkShape(document: YamlObject, file: string): void {
  compiled ??= new Ajv({ strict: false, allErrors: true, verbose: true }).compile({
    ...(schema as object),
    $schema: "http://json-schema.org/draft-07/schema#",
  });
  if (compiled(document)) return;
  throw invalid(`validating ${file}: ${wordsOf(compiled.errors ?? [])}`);
}

/** Of the alternatives that did not fit, the one that came furthest speaks. */
function wordsOf(errors: readonly ErrorObject[]): string {
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split("/").length;
  const own = errors.filter(({ keyword }) => keyword !== "oneOf" && keyword !== "anyOf" && keyword !== "if");
  const deepest = Math.max(...own.map(depth));
  const error = own.find((each) => depth(each) === deepest);
  if (error === undefined) return "does not match the schema";
  const path = error.instancePath === "" ? "(root)" : error.instancePath.slice(1).replaceAll("/", ".");
  return `${path} ${faultOf(error, path)}`;
}

function faultOf({ keyword, params, message = "" }: ErrorObject, path: string): string {
  switch (keyword) {
    case "additionalProperties":
      return `Additional property ${String(params.additionalProperty)} is not allowed`;
    case "required":
      return `${String(params.missingProperty)} is required`;
    case "enum":
      return `${path} must be one of the following: ${(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(", ")}`;
    case "uniqueItems":
      return `array items[${String(params.j)},${String(params.i)}] must be unique`;
    case "pattern":
      return `Does not match pattern '${String(params.pattern)}'`;
    case "type":
      return `must be a ${[params.type].flat().map(typeName).join(" or ")}`;
    default:
      return message;
  }
}

function typeName(type: unknown): string {
  return type === "object" ? "mapping" : String(type);
}
