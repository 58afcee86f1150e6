/**
 * Secrets: in clear text (a warning), or as a reference that is resolved while the site is read. A reference that cannot be
 * resolved is a problem at its place. No message contains any part of a secret.
 */
import { Secret } from "../../secret.ts";
import { secretSpans } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";
import type { SecretKind } from "./sources.ts";

/** Guests' files name machines; scanning those of a large site would take long. */
const holdsSecrets = /^stacks\/|^etc\/phoenix_(?:hypervisor|stacks)_config\.json$/;

/** Lines of a mounted file that are looked for in output. */
const mostLines = 2_000;

interface Reference {
  readonly kind: SecretKind;
  readonly target: string;
}

/** "env:NAME", "file:PATH", "age:PATH#KEY" or "exec:COMMAND ARGS"; a URL ("file:///…") is plain text. */
function referenceIn(text: string): Reference | undefined {
  const [, kind, target = ""] = /^(env|file|age|exec):(?!\/\/)(.*)$/s.exec(text) ?? [];
  return kind === undefined ? undefined : { kind: kind as SecretKind, target: target.trim() };
}

export interface SecretText {
  readonly value: Secret;
  readonly isReference: boolean;
  /** Characters of the value. */
  readonly length: number;
}

/** Resolves references, each of them once. */
export class SecretReader {
  readonly #files: SiteFiles;
  readonly #problems: Problems;
  readonly #lookups = new Map<string, Promise<string>>();
  readonly #found: Secret[] = [];

  constructor(files: SiteFiles, problems: Problems) {
    this.#files = files;
    this.#problems = problems;
  }

  /** Every secret that was read. */
  get found(): readonly Secret[] {
    return this.#found;
  }

  /** The value of a cell; undefined, with a problem reported, when its reference cannot be resolved. */
  async read(cell: Cell, isSensitive: boolean): Promise<SecretText | undefined> {
    const text = cell.literal;
    if (text === undefined) return undefined;
    const reference = referenceIn(text);
    if (reference === undefined) {
      const value = new Secret(text);
      if (isSensitive && text !== "") {
        this.#found.push(value);
        const { start, end } = cell.node;
        this.#files.conceal(cell.file, start + 1, Math.max(start + 1, end - 1));
        this.#problems.report("PHX0102", cell, "secret in clear text", {
          hint: "write it as env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND",
        });
      }
      return { value, isReference: false, length: text.length };
    }
    try {
      const found = await this.#lookUp(text, reference);
      const value = new Secret(found);
      this.#found.push(value);
      return { value, isReference: true, length: found.length };
    } catch (error) {
      const failure = error as { message?: string; hint?: string };
      const reason = failure.message ?? "unknown reason";
      return this.#problems.report("PHX0106", cell, `cannot read the secret: ${reason}`, {
        hint: failure.hint,
      });
    }
  }

  /** Adds the values whose names make them secret: a label with its variables filled in. */
  keepSensitive(named: readonly { readonly key: string; readonly value: string }[]): void {
    for (const { key, value } of named) if (isSensitiveName(key)) this.#keepText(value);
  }

  /** Adds the secrets in the text of a file that a container mounts, and each line that nothing else would look like. */
  keepContent(text: string): void {
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    const telling = lines.filter((line) => line.length >= 8 && /[^a-z_: #{}[\]-]/.test(line));
    for (const line of telling.slice(0, mostLines)) this.#found.push(new Secret(line));
    for (const { start, end } of secretSpans(text)) this.#keepText(text.slice(start, end));
  }

  /** Adds what is written in clear in the site's own files, by its name or its look, wherever it stands. */
  keepWritten(): void {
    for (const [name, text] of this.#files.sources)
      if (holdsSecrets.test(name))
        for (const { start, end } of secretSpans(text)) this.#keepText(text.slice(start, end));
  }

  #keepText(text: string): void {
    // "user:hash,user:hash" is taken apart by what reads it; "\"" is a quote in JSON.
    const parts = text.includes(":")
      ? text.split(",").flatMap((part) => [part, part.slice(part.indexOf(":") + 1)])
      : [];
    for (const value of [text, unescaped(text), ...parts.filter((part) => part.length >= 8)])
      this.#found.push(new Secret(value));
  }

  #lookUp(text: string, { kind, target }: Reference): Promise<string> {
    const known = this.#lookups.get(text);
    if (known !== undefined) return known;
    const lookup = import("./sources.ts").then((sources) => sources.lookUp(kind, target, this.#files.root));
    this.#lookups.set(text, lookup);
    return lookup;
  }
}

/** The text of a JSON string; any other text as it is. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
