/** Certificates that nobody trusts: for the fault `wrong-certificate`, and for services that have no CA to ask. */
import { newKey, signCertificate, type TlsPair } from "./x509.ts";

const dayMs = 86_400_000;

const made = new Map<string, Promise<TlsPair>>();

/** A certificate for names that has signed itself; the same one for the rest of the process. */
export function selfSigned(names: readonly string[]): Promise<TlsPair> {
  const id = names.join(" ");
  const known = made.get(id) ?? make(names);
  made.set(id, known);
  return known;
}

/** A certificate of somebody else. */
export function foreignCertificate(): Promise<TlsPair> {
  return selfSigned(["somebody-else.invalid"]);
}

async function make(names: readonly string[]): Promise<TlsPair> {
  const { pem, publicKey } = newKey();
  const cert = await signCertificate({
    subject: `CN=${names[0] ?? "lab"}`,
    publicKey,
    names,
    notBeforeMs: Date.now() - dayMs,
    notAfterMs: Date.now() + 365 * dayMs,
    ownKey: pem,
  });
  return { cert, key: pem };
}
