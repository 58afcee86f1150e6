/** How `docker compose` refuses a file. */

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
