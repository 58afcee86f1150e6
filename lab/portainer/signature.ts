/** How a Portainer server proves to an agent who it is: ECDSA over the MD5 of a text that both know (2.23 api/crypto, agent crypto). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";

/** Signed where no AGENT_SECRET is set. */
const publicText = "Portainer-App";

/** A new pairing key, PEM. Who loses it is a stranger to its agents. */
export function newPairingKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The headers that every request to an agent but /ping needs. */
export function signatureHeaders(
  pairingKey: string,
  secret: string | undefined,
): Readonly<Record<string, string>> {
  const text = secret ?? publicText;
  if (last?.pairingKey !== pairingKey || last.text !== text)
    last = { pairingKey, text, headers: signedHeaders(pairingKey, text) };
  return last.headers;
}

/** The signature is over the same text each time, so the last one is as good as a new one. */
let last:
  | { readonly pairingKey: string; readonly text: string; readonly headers: Readonly<Record<string, string>> }
  | undefined;

function signedHeaders(pairingKey: string, text: string): Readonly<Record<string, string>> {
  const key = createPrivateKey(pairingKey);
  const signature = sign("md5", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return {
    "x-portaineragent-publickey": createPublicKey(key)
      .export({ type: "spki", format: "der" })
      .toString("hex"),
    "x-portaineragent-signature": signature.toString("base64").replace(/=+$/, ""),
  };
}

/**
 * Whether an agent lets a request in: signed over its secret by anybody, or without one by the key that it is paired with.
 * @param paired the key it knows; undefined: whoever comes first is trusted from then on
 */
export function admission(
  headers: Readonly<Record<string, string>>,
  secret: string | undefined,
  paired: string | undefined,
): "missing" | "invalid" | { readonly key: string } {
  const key = headers["x-portaineragent-publickey"] ?? "";
  const signature = headers["x-portaineragent-signature"] ?? "";
  if (key === "" || signature === "") return "missing";
  const trusted = secret !== undefined || paired === undefined || paired === key;
  return trusted && isSigned(key, signature, secret) ? { key } : "invalid";
}

/** What a refused request is answered, with status 403. */
export const refusals = {
  missing: "Missing request signature headers",
  invalid: "Invalid request signature",
} as const;

function isSigned(publicKey: string, signature: string, secret: string | undefined): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "hex"), format: "der", type: "spki" });
    const bytes = Buffer.from(signature, "base64");
    return verify("md5", Buffer.from(secret ?? publicText), { key, dsaEncoding: "ieee-p1363" }, bytes);
  } catch {
    return false;
  }
}
