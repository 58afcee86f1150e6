/**
 * Secrets: in clear text (a warning), or as a reference that is resolved while the site is read. A reference that cannot be
 * resolved is a problem at its place. No message contains any part of a secret.
 */
import { Secret } from "../../secret.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";
import type { SecretKind } from "./sources.ts";

/** Names of variables whose values are secret. */
const sensitiveName = /pass|token|key|secret|credential|private|auth/i;

export function isSensitiveName(name: string): boolean {
  return sensitiveName.test(name);
}

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

  /** Adds a secret that was read elsewhere: a file that a container mounts. */
  keep(value: Secret): void {
    this.#found.push(value);
  }

  #lookUp(text: string, { kind, target }: Reference): Promise<string> {
    const known = this.#lookups.get(text);
    if (known !== undefined) return known;
    const lookup = import("./sources.ts").then((sources) => sources.lookUp(kind, target, this.#files.root));
    this.#lookups.set(text, lookup);
    return lookup;
  }
}
