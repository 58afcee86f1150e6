/** Documents against their JSON Schemas (draft 2020-12), as a user's validator judges them. */
import { Ajv2020 } from "ajv/dist/2020.js";

const ajv = new Ajv2020({ allErrors: true, formats: { "date-time": true } });

/** What is wrong with a document, each with its place; none when it is as its schema says. */
export function faultsOf(schema: unknown, document: unknown): readonly string[] {
  const validate = ajv.compile(schema as object);
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}
