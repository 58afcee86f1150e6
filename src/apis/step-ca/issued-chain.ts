/** What a CA answered, checked before anybody installs it. Pure; the time is a parameter. */
import { type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

export interface Expectation {
  readonly key: KeyObject;
  readonly names: readonly string[];
  /** PEM of the trusted root. */
  readonly root: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * The chain without its root.
 * @param chain PEM certificates, leaf first
 * @throws Error that says in what way the answer is wrong
 */
export function verifiedChain(chain: readonly string[], expected: Expectation): readonly string[] {
  const root = new X509Certificate(expected.root);
  const certificates = chain.map((pem) => new X509Certificate(pem));
  const [leaf, ...issuers] = certificates.filter(
    ({ fingerprint256 }) => fingerprint256 !== root.fingerprint256,
  );
  if (leaf === undefined) throw new Error("it holds no certificate");
  if (!leaf.checkPrivateKey(expected.key)) throw new Error("its certificate is for another key");
  const wanted = sorted(expected.names.map(canonicalName));
  const got = sorted(namesOf(leaf));
  if (got.join() !== wanted.join())
    throw new Error(`its certificate is for ${got.join(", ")} instead of ${wanted.join(", ")}`);
  if (Date.parse(leaf.validTo) <= expected.nowMs) throw new Error(`its certificate ended on ${leaf.validTo}`);
  const path = pathTo(root, leaf, issuers);
  if (path === undefined) throw new Error("its certificate does not lead to the trusted root");
  return path.map((certificate) => certificate.toString());
}

/** The certificates from the leaf to the one below the root, each signed by the next. */
function pathTo(
  root: X509Certificate,
  leaf: X509Certificate,
  issuers: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const path = [leaf];
  for (let current = leaf; !isIssuedBy(current, root); ) {
    const next = issuers.find((issuer) => !path.includes(issuer) && isIssuedBy(current, issuer));
    if (next === undefined) return undefined;
    path.push(next);
    current = next;
  }
  return path;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Node's text form: `DNS:a.example.net, IP Address:192.0.2.1`. */
function namesOf({ subjectAltName = "" }: X509Certificate): readonly string[] {
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name = ""]) =>
    canonicalName(name),
  );
}

function canonicalName(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase();
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
