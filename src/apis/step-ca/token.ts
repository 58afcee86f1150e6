/** One-time tokens of a JWK provisioner: its key out of its encrypted form, and the token signed with it. */
import { createHash, createPrivateKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { isObject, parseJson } from "../../formats/json/index.ts";
import type { Secret } from "../../secret.ts";

/**
 * Rounds that a password is stretched by. step has 600 000 and had 100 000 (crypto v0.77 jose/types.go); jose refuses more
 * than 10 000 unless it is told. The limit keeps a hostile answer from occupying the processor.
 */
const mostRounds = 5_000_000;

/**
 * The private key of a provisioner.
 * @param encrypted compact JWE, as /provisioners gives it
 * @throws Error when the password does not open it
 */
export async function provisionerKey(encrypted: string, password: Secret): Promise<KeyObject> {
  const { compactDecrypt } = await import("jose");
  // step trims what ends a password file (crypto v0.77 internal/utils/file), so the key was locked without it.
  const { plaintext } = await compactDecrypt(encrypted, Buffer.from(password.reveal().trimEnd()), {
    keyManagementAlgorithms: ["PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"],
    maxPBES2Count: mostRounds,
  });
  const jwk = parseJson(new TextDecoder().decode(plaintext));
  if (!isObject(jwk)) throw new Error("the decrypted key is no JSON");
  return createPrivateKey({ key: { ...jwk }, format: "jwk" });
}

export interface TokenClaims {
  /** "https://ca.internal.example.net:9000/1.0/sign": the host must be one of the CA's own names. */
  readonly audience: string;
  readonly provisioner: string;
  readonly keyId: string;
  readonly commonName: string;
  readonly names: readonly string[];
  /** SHA-256 of the root's DER form, lower-case hexadecimal. */
  readonly rootFingerprint: string;
  /** DER of the certificate request: the token is good for no other. */
  readonly request: Buffer;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** As long as `step` makes its tokens (cli v0.30 token/options.go). Seconds. */
const lifetimeSeconds = 5 * 60;

/** A new token; Step-CA takes each one once, so every attempt needs its own. */
export function oneTimeToken(claims: TokenClaims, key: KeyObject): string {
  const now = Math.floor(claims.nowMs / 1000);
  const header = { alg: "ES256", kid: claims.keyId, typ: "JWT" };
  const payload = {
    aud: claims.audience,
    iss: claims.provisioner,
    sub: claims.commonName,
    sans: claims.names,
    iat: now,
    nbf: now,
    exp: now + lifetimeSeconds,
    jti: randomBytes(32).toString("hex"),
    sha: claims.rootFingerprint,
    cnf: { "x5rt#S256": createHash("sha256").update(claims.request).digest("base64url") },
  };
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}
