/** A value that must not be seen: it prints as "(secret)" wherever it is printed by accident. */
import { inspect } from "node:util";
import { secretMark } from "./secret-spans.ts";

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where the value leaves for its destination: standard input, a request's body. */
  reveal(): string {
    return this.#value;
  }

  /** Eight hexadecimal digits that change when the value changes and tell nothing else about it. */
  fingerprint(): string {
    // Loaded on demand: a check needs no fingerprints.
    const { createHmac } = process.getBuiltinModule("node:crypto");
    return createHmac("sha256", "phoenix secret fingerprint").update(this.#value).digest("hex").slice(0, 8);
  }

  toString(): string {
    return secretMark;
  }

  toJSON(): string {
    return secretMark;
  }

  [inspect.custom](): string {
    return secretMark;
  }
}
