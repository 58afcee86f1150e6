/** One-time tokens of a JWK provisioner: its key out of its encrypted form, and the token signed with it. */
import { createHash, createPrivateKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { isObject, parseJson } from "../../formats/json/index.ts";
import type { Secret } from "../../secret.ts";
import { decryptWithPassword } from "./jwe.ts";

/**
 * The private key of a provisioner.
 * @param encrypted compact JWE, as /provisioners gives it
 * @throws Error when the password does not open it
 */
export async function provisionerKey(encrypted: string, password: Secret): Promise<KeyObject> {
  // step trims the end of a password file (crypto v0.77 internal/utils/file), so the key was locked without it.
  const jwk = parseJson(await decryptWithPassword(encrypted, password.reveal().trimEnd()));
  if (!isObject(jwk)) throw new Error("the decrypted key is not a JSON object");
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

/** The lifetime that `step` gives its tokens (cli v0.30 token/options.go). Seconds. */
const lifetimeSeconds = 5 * 60;

/** A new token, good for one attempt: Step-CA accepts each token once. */
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
