/** Keys that Compose knows and refuses: the product's table and the lab's, which know nothing of each other, must agree. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ComposeError } from "../../lab/docker/compose-errors.ts";
import { checkShape } from "../../lab/docker/compose-schema.ts";
import { readCompose } from "../../src/formats/compose/index.ts";

interface Keys {
  readonly known: readonly string[];
  readonly unknown: readonly string[];
}

const cases: Readonly<Record<"file" | "service", Keys>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../cases/compose-keys.json"), "utf8"),
);

describe.each(["file", "service"] as const)("the keys of a %s", (kind) => {
  const isUnknown = (key: string): boolean => {
    const text = kind === "file" ? `${key}: null\n` : `services:\n  a:\n    ${key}: null\n`;
    return readCompose(text, new Map()).faults.some(({ message }) => message.startsWith("unknown key"));
  };
  const isUnknownInTheLab = (key: string): boolean => {
    try {
      checkShape(
        kind === "file" ? { [key]: null } : { services: { a: { [key]: null } } },
        "docker-compose.yml",
      );
      return false;
    } catch (error) {
      if (!(error instanceof ComposeError)) throw error;
      return error.message.includes("Additional property");
    }
  };

  test.each(cases[kind].known)("%s is known", (key) => {
    expect(isUnknown(key)).toBe(false);
    expect(isUnknownInTheLab(key)).toBe(false);
  });

  test.each(cases[kind].unknown)("%s is not", (key) => {
    expect(isUnknown(key)).toBe(true);
    expect(isUnknownInTheLab(key)).toBe(true);
  });
});
