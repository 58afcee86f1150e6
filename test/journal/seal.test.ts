/** What is sealed is read by the journal's key alone. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sealBy } from "../../src/journal/seal.ts";
import { Secret } from "../../src/secret.ts";

const seal = sealBy(new Secret("the key of a test"));
const text = "\ufeffpassword=canary\r\nüñí 🔑\n";

test.each([text, "", "x".repeat(1_500_000)])("a text comes back to the byte (%#)", (each) => {
  expect(seal.open(seal.close(new Secret(each)))?.reveal()).toBe(each);
});

test("a seal shows neither the text nor its plain digest, and is the same for the same text", () => {
  const sealed = seal.close(new Secret(text));
  const bytes = Buffer.from(sealed, "base64");
  expect(bytes.includes("canary")).toBe(false);
  expect(bytes.includes(createHash("sha256").update(text).digest())).toBe(false);
  expect(seal.close(new Secret(text))).toBe(sealed);
  expect(sealBy(new Secret("another key")).close(new Secret(text))).not.toBe(sealed);
});

test("another key, a changed byte, and a truncated seal open nothing", () => {
  const sealed = seal.close(new Secret(text));
  const bytes = Buffer.from(sealed, "base64");
  bytes[30] = (bytes[30] ?? 0) ^ 1;
  expect(sealBy(new Secret("another key")).open(sealed)).toBeUndefined();
  expect(seal.open(bytes.toString("base64"))).toBeUndefined();
  for (const length of [0, 8, 27, 40]) expect(seal.open(sealed.slice(0, length))).toBeUndefined();
});
