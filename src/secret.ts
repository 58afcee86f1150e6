/** A value that must not be seen: it prints as "(secret)" wherever it is printed by accident. */
import { inspect } from "node:util";

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
    return "(secret)";
  }

  toJSON(): string {
    return "(secret)";
  }

  [inspect.custom](): string {
    return "(secret)";
  }
}

/** Shorter values ("no", "1") occur by chance in ordinary text; replacing them would garble it. */
const shortestRedacted = 6;

/** A function that replaces every one of these secrets in a text by "(secret)". */
export function redactor(secrets: readonly Secret[]): (text: string) => string {
  const values = [...new Set(secrets.map((secret) => secret.reveal()))].filter(
    (value) => value.length >= shortestRedacted,
  );
  values.sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const value of values)
      clean = clean.replaceAll(value, "(secret)").replaceAll(JSON.stringify(value).slice(1, -1), "(secret)");
    return clean;
  };
}
