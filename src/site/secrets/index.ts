/**
 * Secrets: in clear text (a warning), or as a reference that is resolved while the site is read. A reference that cannot be
 * resolved is a problem at its place. No message contains any part of a secret.
 */
import { splitWords } from "../../formats/shell/hook.ts";
import type { SourceRef } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { secretSpans } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { isBelow, type SiteFiles } from "../text/source-file.ts";
import type { SecretKind } from "./sources.ts";

/** Guests' files name machines; scanning those of a large site would take long. */
export const holdsSecrets = /^stacks\/|^etc\/phoenix_(?:hypervisor|stacks)_config\.json$/;

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
  /** Characters of the value; absent when it was not looked up. */
  readonly length?: number;
}

/** A reference that reaches beyond the site: a command, or a file elsewhere. */
export interface OuterReference {
  readonly kind: "command" | "file";
  /** The program, without its arguments, which may be secret; or the path. */
  readonly target: string;
  readonly at: SourceRef;
  /** Whether it was looked up: commands run with consent only. */
  readonly isRead: boolean;
}

/** A reference that was looked up: where it stands, and what it leads to now. */
export interface SecretReference {
  readonly at: SourceRef;
  readonly value: Secret;
}

/** Stands in for the value of a command that was not run: valid in most places. */
const notRead = new Secret("1");

/** Resolves references, each of them once. */
export class SecretReader {
  readonly #files: SiteFiles;
  readonly #problems: Problems;
  readonly #lookups = new Map<string, Promise<string>>();
  readonly #found: Secret[] = [];
  readonly #outer: OuterReference[] = [];
  readonly #references: SecretReference[] = [];
  readonly #runsCommands: boolean;

  /** @param runsCommands whether `exec:` references are looked up */
  constructor(files: SiteFiles, problems: Problems, runsCommands: boolean) {
    this.#files = files;
    this.#problems = problems;
    this.#runsCommands = runsCommands;
  }

  /** The references that reach beyond the site, in the order they were read. */
  get outer(): readonly OuterReference[] {
    return this.#outer;
  }

  /** The references that were looked up, in the order they were read. */
  get references(): readonly SecretReference[] {
    return this.#references;
  }

  /** Every secret that was read. */
  get found(): readonly Secret[] {
    return this.#found;
  }

  /** The value of a cell; undefined, with a problem reported as `unreadable`, when its reference cannot be resolved. */
  async read(
    cell: Cell,
    isSensitive: boolean,
    unreadable: "PHX0106" | "PHX0806" = "PHX0106",
  ): Promise<SecretText | undefined> {
    const text = cell.literal;
    if (text === undefined) return undefined;
    const reference = referenceIn(text);
    if (reference === undefined) {
      const value = new Secret(text);
      if (isSensitive && text !== "") {
        this.#found.push(value);
        this.hide(cell);
        this.#problems.report("PHX0102", cell, "secret in clear text", {
          hint: "write it as env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND",
        });
      }
      return { value, isReference: false, length: text.length };
    }
    const outer = this.#outerOf(reference, cell.ref);
    if (outer !== undefined) this.#outer.push(outer);
    if (outer?.isRead === false) return { value: notRead, isReference: true };
    try {
      const found = await this.#lookUp(text, reference);
      const value = new Secret(found);
      this.#found.push(value);
      this.#references.push({ at: cell.ref, value });
      return { value, isReference: true, length: found.length };
    } catch (error) {
      const failure = error as { message?: string; hint?: string };
      const reason = failure.message ?? "unknown reason";
      return this.#problems.report(unreadable, cell, `cannot read the secret: ${reason}`, {
        hint: failure.hint,
      });
    }
  }

  /** Keeps a value out of excerpts and out of what the history keeps, though it is too common a text to look for in output. */
  hide({ file, node: { start, end } }: Cell): void {
    this.#files.conceal(file, start + 1, Math.max(start + 1, end - 1));
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

  #outerOf({ kind, target }: Reference, at: SourceRef): OuterReference | undefined {
    if (kind === "exec") {
      const [program = ""] = splitWords(target).words;
      return { kind: "command", target: program, at, isRead: this.#runsCommands };
    }
    const file = kind === "age" ? target.replace(/#[^#]*$/, "") : target;
    return kind === "env" || isBelow(this.#files.root, file)
      ? undefined
      : { kind: "file", target: file, at, isRead: true };
  }

  #lookUp(text: string, { kind, target }: Reference): Promise<string> {
    const known = this.#lookups.get(text);
    if (known !== undefined) return known;
    const lookup = import("./sources.ts").then((sources) => sources.lookUp(kind, target, this.#files));
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
