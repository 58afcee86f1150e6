/** Texts locked with a password: compact JWE (RFC 7516), its key derived from the password by PBES2 (RFC 7518, 4.8). */
import { createDecipheriv, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { member, parseJson, textOf } from "../../formats/json/index.ts";

/**
 * Rounds of derivation. step takes 600 000 and took 100 000 (crypto v0.77 jose/types.go); the limit keeps a hostile answer
 * from occupying the processor.
 */
const maxRounds = 5_000_000;

/** The hash and the key length in bytes of each way to lock the content's key. */
const keyAlgorithms: Readonly<Record<string, readonly [hash: string, bytes: number]>> = {
  "PBES2-HS256+A128KW": ["sha256", 16],
  "PBES2-HS384+A192KW": ["sha384", 24],
  "PBES2-HS512+A256KW": ["sha512", 32],
};

/** The cipher of each way to lock the content; step has only ever taken A256GCM (crypto v0.77 jose/encrypt.go). */
const contentAlgorithms: Readonly<Record<string, "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm">> = {
  A128GCM: "aes-128-gcm",
  A192GCM: "aes-192-gcm",
  A256GCM: "aes-256-gcm",
};

/** RFC 3394, 2.2.3.1. */
const wrapIv = Buffer.alloc(8, 0xa6);

/**
 * The text that a password opens.
 * @param compact five parts in base64url, joined by dots
 * @throws Error when the password does not open it, or it is locked in another way
 */
export async function decryptWithPassword(compact: string, password: string): Promise<string> {
  const parts = compact.split(".");
  const [protectedHeader = ""] = parts;
  const [headerText, wrappedKey, iv, text, tag] = parts.map((part) => Buffer.from(part, "base64url"));
  if (parts.length !== 5 || !headerText || !wrappedKey || !iv || !text || !tag)
    throw new Error("not a compact JWE");
  const header = parseJson(headerText.toString());
  if (member(header, "crit") !== undefined || member(header, "zip") !== undefined)
    throw new Error("unsupported JWE extension");
  const algorithm = known(contentAlgorithms, textOf(header, "enc"));
  const key = unwrap(await passwordKey(header, password), wrappedKey);
  const cipher = createDecipheriv(algorithm, key, iv, { authTagLength: 16 });
  cipher.setAAD(Buffer.from(protectedHeader)).setAuthTag(tag);
  return Buffer.concat([cipher.update(text), cipher.final()]).toString();
}

async function passwordKey(header: unknown, password: string): Promise<Buffer> {
  const algorithm = textOf(header, "alg");
  const [hash, bytes] = known(keyAlgorithms, algorithm);
  const rounds = member(header, "p2c");
  const input = Buffer.from(textOf(header, "p2s"), "base64url");
  if (!Number.isSafeInteger(rounds) || Number(rounds) < 1 || Number(rounds) > maxRounds || input.length < 8)
    throw new Error("invalid PBES2 parameters");
  const salt = Buffer.concat([Buffer.from(`${algorithm}\0`), input]);
  return promisify(pbkdf2)(password, salt, Number(rounds), bytes, hash);
}

function unwrap(key: Buffer, wrapped: Buffer): Buffer {
  const cipher = createDecipheriv(`id-aes${key.length * 8}-wrap`, key, wrapIv);
  return Buffer.concat([cipher.update(wrapped), cipher.final()]);
}

function known<T>(table: Readonly<Record<string, T>>, algorithm: string): T {
  const found = Object.hasOwn(table, algorithm) ? table[algorithm] : undefined;
  if (found === undefined) throw new Error(`unsupported JWE algorithm "${algorithm}"`);
  return found;
}
