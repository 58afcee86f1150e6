/** Keys locked with a password, held to an implementation of JWE that the product does not have. */
import { CompactEncrypt, compactDecrypt } from "jose";
import { describe, expect, test } from "vitest";
import { decryptWithPassword } from "../../src/apis/step-ca/jwe.ts";

const password = "correct horse ä";
const text = JSON.stringify({ kty: "EC", d: "x".repeat(43) });

function encrypted(header: { alg: string; enc: string; zip?: string }, p2c = 1000): Promise<string> {
  return new CompactEncrypt(Buffer.from(text))
    .setProtectedHeader({ cty: "jwk+json", ...header })
    .setKeyManagementParameters({ p2c })
    .encrypt(Buffer.from(password));
}

const keyAlgorithms = ["PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"];
const contentAlgorithms = ["A128GCM", "A192GCM", "A256GCM"];

const weak = { alg: "PBES2-HS256+A128KW", enc: "A256GCM", p2s: "AAAAAAAAAAA", p2c: 1000 };

/** A compact JWE with this header and nothing behind it. */
function jwe(header: unknown): string {
  return `${Buffer.from(JSON.stringify(header)).toString("base64url")}.AAAA.AAAA.AAAA.AAAA`;
}

describe("a text locked with a password", () => {
  test.each(keyAlgorithms.flatMap((alg) => contentAlgorithms.map((enc) => ({ alg, enc }))))(
    "opens: $alg, $enc",
    async (header) => {
      expect(await decryptWithPassword(await encrypted(header), password)).toBe(text);
    },
  );

  test.each(["A128GCM", "A256GCM"])("does not open with another password (%s)", async (enc) => {
    const locked = await encrypted({ alg: "PBES2-HS256+A128KW", enc });
    await expect(decryptWithPassword(locked, `${password} `)).rejects.toThrow(Error);
  });

  test.each(["A128GCM", "A256GCM"].flatMap((enc) => [0, 1, 2, 3, 4].map((part) => ({ enc, part }))))(
    "is refused when part $part was changed ($enc), by both implementations",
    async ({ enc, part }) => {
      const parts = (await encrypted({ alg: "PBES2-HS256+A128KW", enc })).split(".");
      const bytes = Buffer.from(parts[part] ?? "", "base64url");
      // In the header a letter of the content type changes: it stays JSON, and the tag does not cover it any more.
      const at = part === 0 ? bytes.indexOf("jwk+json") : bytes.length - 1;
      bytes.writeUInt8((bytes.at(at) ?? 0) ^ 1, at);
      const changed = parts.with(part, bytes.toString("base64url")).join(".");
      await expect(decryptWithPassword(changed, password)).rejects.toThrow(Error);
      const options = { keyManagementAlgorithms: ["PBES2-HS256+A128KW"] };
      await expect(compactDecrypt(changed, Buffer.from(password), options)).rejects.toThrow(Error);
    },
  );

  test.each([
    ["", "not a compact JWE"],
    ["a.b.c", "not a compact JWE"],
    [jwe({ alg: "dir", enc: "A256GCM" }), 'algorithm "dir"'],
    [jwe({ alg: "constructor", enc: "A256GCM" }), 'algorithm "constructor"'],
    [jwe({ ...weak, p2c: 5_000_001 }), "PBES2 parameters"],
    [jwe({ ...weak, p2c: 0 }), "PBES2 parameters"],
    [jwe({ ...weak, p2c: "1000" }), "PBES2 parameters"],
    [jwe({ ...weak, p2s: "AAAA" }), "PBES2 parameters"],
    [jwe({ ...weak, crit: ["b64"] }), "extension"],
    [jwe({ ...weak, zip: "DEF" }), "extension"],
    [jwe({ ...weak, enc: "A256CBC-HS512" }), 'algorithm "A256CBC-HS512"'],
  ])("is refused when it is locked in another way: %s", async (compact, reason) => {
    await expect(decryptWithPassword(compact, password)).rejects.toThrow(reason);
  });
});
