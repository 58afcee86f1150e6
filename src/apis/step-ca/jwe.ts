/** Texts locked with a password: compact JWE (RFC 7516), its key derived from the password by PBES2 (RFC 7518, 4.8). */
import { createDecipheriv, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { inflateRawSync } from "node:zlib";
import { member, parseJson, textOf } from "../../formats/json/index.ts";

/**
 * Rounds of derivation. step takes 600 000 and took 100 000 (crypto v0.77 jose/types.go); the limit keeps a hostile answer
 * from occupying the processor.
 */
const maxRounds = 5_000_000;

/** Bytes that a compressed text may grow to. */
const maxInflated = 250_000;

/** The hash and the key length in bytes of each way to lock the content's key. */
const keyAlgorithms: Readonly<Record<string, readonly [hash: string, bytes: number]>> = {
  "PBES2-HS256+A128KW": ["sha256", 16],
  "PBES2-HS384+A192KW": ["sha384", 24],
  "PBES2-HS512+A256KW": ["sha512", 32],
};

/** The length in bytes of the content's key; with CBC its first half authenticates, with the hash named here. */
const contentAlgorithms: Readonly<Record<string, readonly [bytes: number, hash?: string]>> = {
  A128GCM: [16],
  A192GCM: [24],
  A256GCM: [32],
  "A128CBC-HS256": [32, "sha256"],
  "A192CBC-HS384": [48, "sha384"],
  "A256CBC-HS512": [64, "sha512"],
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
  if (member(header, "crit") !== undefined) throw new Error("unsupported JWE extension");
  const key = unwrap(await passwordKey(header, password), wrappedKey);
  const content = { key, iv, text, tag, authenticated: Buffer.from(protectedHeader) };
  const plain = decrypt(textOf(header, "enc"), content);
  const zip = textOf(header, "zip");
  if (zip !== "" && zip !== "DEF") throw new Error(`unsupported JWE compression "${zip}"`);
  return (zip === "" ? plain : inflateRawSync(plain, { maxOutputLength: maxInflated })).toString();
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

interface Content {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly text: Buffer;
  readonly tag: Buffer;
  readonly authenticated: Buffer;
}

function decrypt(algorithm: string, content: Content): Buffer {
  const [bytes, hash] = known(contentAlgorithms, algorithm);
  if (content.key.length !== bytes) throw new Error(`wrong key length for ${algorithm}`);
  return hash === undefined ? decryptGcm(content) : decryptCbc(content, hash);
}

function decryptGcm({ key, iv, text, tag, authenticated }: Content): Buffer {
  const name = key.length === 16 ? "aes-128-gcm" : key.length === 24 ? "aes-192-gcm" : "aes-256-gcm";
  const cipher = createDecipheriv(name, key, iv, { authTagLength: 16 });
  cipher.setAAD(authenticated).setAuthTag(tag);
  return Buffer.concat([cipher.update(text), cipher.final()]);
}

/** RFC 7518, 5.2.2.2. */
function decryptCbc({ key, iv, text, tag, authenticated }: Content, hash: string): Buffer {
  const half = key.length / 2;
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(authenticated.length * 8));
  const mac = createHmac(hash, key.subarray(0, half)).update(authenticated).update(iv).update(text);
  const expected = mac.update(bits).digest().subarray(0, half);
  if (tag.length !== half || !timingSafeEqual(tag, expected)) throw new Error("JWE authentication failed");
  const cipher = createDecipheriv(`aes-${half * 8}-cbc`, key.subarray(half), iv);
  return Buffer.concat([cipher.update(text), cipher.final()]);
}

function known<T>(table: Readonly<Record<string, T>>, algorithm: string): T {
  const found = Object.hasOwn(table, algorithm) ? table[algorithm] : undefined;
  if (found === undefined) throw new Error(`unsupported JWE algorithm "${algorithm}"`);
  return found;
}
