/** update-ca-certificates (ca-certificates 20240203): the trust store's bundle and its links. */
import { X509Certificate } from "node:crypto";
import { done, type Program } from "../parts.ts";

const local = "/usr/local/share/ca-certificates";
const store = "/etc/ssl/certs";
const bundle = `${store}/ca-certificates.crt`;

/**
 * Certificates are the .crt files below the local directory, in the store as links named .pem. A plain run adds what is
 * new and takes no link away; only --fresh forgets what is gone (measured).
 */
export const updateCaCertificates: Program = ({ context: { files }, host, args }) => {
  const fresh = args.includes("--fresh") || args.includes("-f");
  files.makeDirectory(host, store);
  const linked = files
    .list(host, store)
    .filter((name) => files.linkTarget(host, `${store}/${name}`)?.startsWith(`${local}/`) === true);
  if (fresh) for (const name of linked) files.remove(host, `${store}/${name}`);

  const sources = files.status(host, local) === undefined ? [] : files.list(host, local);
  const wanted = sources.filter((name) => name.endsWith(".crt"));
  const warnings: string[] = [];
  let added = 0;
  for (const name of wanted) {
    const link = `${name.slice(0, -".crt".length).replaceAll(" ", "_")}.pem`;
    const blocks = certificatesIn(files.text(host, `${local}/${name}`) ?? "");
    if (blocks.length !== 1)
      warnings.push(`rehash: warning: skipping ${link},it does not contain exactly one certificate or CRL`);
    if (linked.includes(link) && !fresh) continue;
    files.makeLink(host, `${local}/${name}`, `${store}/${link}`);
    if (!linked.includes(link)) added += 1;
  }
  const kept = files
    .list(host, store)
    .filter((name) => files.linkTarget(host, `${store}/${name}`)?.startsWith(`${local}/`) === true);
  const gone = fresh ? linked.filter((name) => !kept.includes(name)).length : 0;
  const text = kept
    .flatMap((name) => certificatesIn(files.text(host, `${store}/${name}`) ?? ""))
    .map((block) => `${block}\n`)
    .join("");
  files.write(host, bundle, text);
  const clearing = fresh ? `Clearing symlinks in ${store}...\ndone.\n` : "";
  return done(
    `${clearing}Updating certificates in ${store}...\n${added} added, ${gone} removed; done.\nRunning hooks in /etc/ca-certificates/update.d...\ndone.\n`,
    warnings.map((line) => `${line}\n`).join(""),
  );
};

/** The PEM blocks of a text that are certificates. */
export function certificatesIn(text: string): readonly string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.filter((block) => {
    try {
      return new X509Certificate(block).serialNumber !== "";
    } catch {
      return false;
    }
  });
}
