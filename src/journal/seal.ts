/**
 * Seals texts that the history must bring back and nobody may read in it: a copy of the history's objects, or a search through them,
 * tells nothing without the key that the journal keeps apart. Pure.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { Secret } from "../secret.ts";

export interface Seal {
  /** Base64, the same for the same text: it is stored once. */
  close(text: Secret): string;
  /** Undefined when it was sealed with another key, or is damaged. */
  open(sealed: string): Secret | undefined;
}

/** Bytes of AES-GCM's nonce and of its tag. */
const nonceBytes = 12;
const tagBytes = 16;
const cipherName = "aes-256-gcm";

/** AES-256-GCM. The nonce is a keyed digest of the text, so that only equal texts ever share one. */
export function sealBy(key: Secret): Seal {
  const derived = (purpose: string): Buffer => createHmac("sha256", key.reveal()).update(purpose).digest();
  const [cipherKey, nonceKey] = [derived("seal: cipher"), derived("seal: nonce")];
  return {
    close: (secret) => {
      const text = secret.reveal();
      const nonce = createHmac("sha256", nonceKey).update(text).digest().subarray(0, nonceBytes);
      const cipher = createCipheriv(cipherName, cipherKey, nonce, { authTagLength: tagBytes });
      const closed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), closed]).toString("base64");
    },
    open: (sealed) => {
      const bytes = Buffer.from(sealed, "base64");
      if (bytes.length < nonceBytes + tagBytes) return undefined;
      const nonce = bytes.subarray(0, nonceBytes);
      const cipher = createDecipheriv(cipherName, cipherKey, nonce, { authTagLength: tagBytes });
      cipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      try {
        const text = Buffer.concat([cipher.update(bytes.subarray(nonceBytes + tagBytes)), cipher.final()]);
        return new Secret(text.toString("utf8"));
      } catch {
        return undefined;
      }
    },
  };
}
