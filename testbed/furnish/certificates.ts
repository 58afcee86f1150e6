/** Certificates of the services that guests run by themselves over TLS, signed by the site's CA. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { stepPath } from "../../lab/step-ca/init.ts";
import { newKey, signCertificate } from "../../lab/x509.ts";
import { type Layers, machineOf } from "./layers.ts";

const yearMs = 365 * 24 * 60 * 60 * 1000;

export async function furnishCertificates({ fabric, path, write }: Layers): Promise<void> {
  const ca = machineOf(fabric.roles.ca);
  const text = (file: string): string => readFileSync(path(ca, `${stepPath}/${file}`), "utf8");
  const cert = text("certs/intermediate_ca.crt");
  const passphrase = text("secrets/password").trim();
  const issuer = createPrivateKey({ key: text("secrets/intermediate_ca_key"), passphrase });
  const key = issuer.export({ type: "pkcs8", format: "pem" }).toString();
  for (const { host, port, names, scheme } of fabric.services) {
    if (scheme !== "https") continue;
    const own = newKey();
    const address = fabric.guests.find((guest) => guest.host === host)?.address;
    const leaf = await signCertificate({
      subject: `CN=${names[0] ?? host}`,
      publicKey: own.publicKey,
      names: [...names, ...(address === undefined ? [] : [address])],
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + yearMs,
      issuer: { cert, key },
    });
    write(machineOf(host), `/etc/testbed/tls/${port}.crt`, leaf + cert);
    write(machineOf(host), `/etc/testbed/tls/${port}.key`, own.pem, 0o600);
  }
}
