/**
 * Fingerprints of secrets, for people: whether a secret changed, and which places hold the same one. They are keyed, so that nobody
 * who reads a plan or a history can try passwords against them.
 */
import { PhoenixError } from "./errors.ts";
import { Secret } from "./secret.ts";

/** Eight hexadecimal digits, the same for equal values while the key is the same. */
export type FingerprintOf = (secret: Secret) => string;

/** 64 hexadecimal digits over a list of texts. */
export type DigestOf = (parts: readonly (string | Secret)[]) => string;

/** The name of the key among the journal's secrets. */
export const keyName = "fingerprints";

/**
 * Fingerprints with the key that the hypervisor's journal keeps. A read-only journal that has no key yet makes one for this run
 * only: such fingerprints compare within the run, and must not be kept.
 */
export async function openFingerprints(journal: {
  secret(name: string): Promise<Secret>;
}): Promise<FingerprintOf> {
  return fingerprintsBy(await journal.secret(keyName));
}

/** The same to show a result; where the journal is out of reach at the end of a run, they compare within that result only. */
export async function fingerprintsToShow(
  journal: Parameters<typeof openFingerprints>[0],
): Promise<FingerprintOf> {
  try {
    return await openFingerprints(journal);
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    return fingerprintsBy(new Secret(process.getBuiltinModule("node:crypto").randomUUID()));
  }
}

/** Digests with the same key, for files that leave the hypervisor. The journal must keep the key. */
export async function openDigests(journal: { secret(name: string): Promise<Secret> }): Promise<DigestOf> {
  const key = (await journal.secret(keyName)).reveal();
  const { createHmac } = process.getBuiltinModule("node:crypto");
  return (parts) => {
    const hmac = createHmac("sha256", key);
    for (const part of parts) {
      const text = typeof part === "string" ? part : part.reveal();
      hmac.update(`${Buffer.byteLength(text)}:`).update(text);
    }
    return hmac.digest("hex");
  };
}

/** Fingerprints by HMAC-SHA-256 with this key. */
export function fingerprintsBy(key: Secret): FingerprintOf {
  // Loaded on demand: a check needs no fingerprints.
  const { createHmac } = process.getBuiltinModule("node:crypto");
  return (secret) => createHmac("sha256", key.reveal()).update(secret.reveal()).digest("hex").slice(0, 8);
}
