/** The certificate of a guest's own service: from the site's CA, as its owner would have got one. */
import type { LabService } from "./facts.ts";
import type { Lab } from "./parts.ts";
import { selfSigned } from "./self-signed.ts";
import { loadAuthority } from "./step-ca/authority.ts";
import { newKey, signCertificate, type TlsPair } from "./x509.ts";

const dayMs = 86_400_000;

/** Good by the lab's clock and by the machine's. Without a CA the service has signed it itself. */
export async function serviceCertificate(lab: Lab, { names }: LabService): Promise<TlsPair> {
  const authority = authorityOf(lab);
  if (authority === undefined) return selfSigned(names);
  const { pem, publicKey } = newKey();
  const times = [lab.clock.now(), Date.now()];
  const leaf = await signCertificate({
    subject: `CN=${names[0] ?? "service"}`,
    publicKey,
    names,
    notBeforeMs: Math.min(...times) - dayMs,
    notAfterMs: Math.max(...times) + 90 * dayMs,
    issuer: authority.intermediate,
  });
  return { cert: leaf + authority.intermediate.cert, key: pem };
}

function authorityOf(lab: Lab): ReturnType<typeof loadAuthority> | undefined {
  const { ca } = lab.facts.roles;
  if (ca === undefined) return undefined;
  try {
    return loadAuthority(lab, ca);
  } catch {
    return undefined;
  }
}
