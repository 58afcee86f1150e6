/** How `docker compose` refuses a file. */
import { allowedKeys } from "./compose-keys.ts";
import type { YamlObject } from "./compose-values.ts";

/** `docker compose` ends with this before it does anything (v2 pkg/compose: 14 file not found, 15 parse failure). */
export class ComposeError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A file that Compose does not accept. */
export function invalid(message: string): ComposeError {
  return new ComposeError(15, message);
}

/** @throws ComposeError for a key that Compose's schema does not have */
export function checkKeys(
  object: YamlObject,
  kind: keyof typeof allowedKeys,
  file: string,
  path: string,
): void {
  for (const key of Object.keys(object)) {
    if (key.startsWith("x-") || allowedKeys[kind].has(key)) continue;
    throw invalid(
      `validating ${file}: ${path === "" ? "" : `${path} `}Additional property ${key} is not allowed`,
    );
  }
}
