/** X.509 certificates as PEM text: their content, and what belongs together. Pure; the time is a parameter. */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";

export interface ParsedCertificate {
  /** PEM of this certificate alone, with a final newline. */
  readonly pem: string;
  /** SHA-256 of the DER form, in lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Upper-case hexadecimal, as a TLS handshake reports it. */
  readonly serial: string;
  /** The subject alternative names with their types, sorted, without duplicates: "DNS:a.example.net", "IP:192.0.2.1". */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The common name of its subject; "" without one. */
  readonly commonName: string;
  /** The issuer's common name, or its whole name. */
  readonly issuer: string;
  /** It may issue others. */
  readonly isAuthority: boolean;
}

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Every certificate of a PEM text, in its order; empty when one of them cannot be read. */
export function parseChain(text: string): readonly ParsedCertificate[] {
  try {
    return (text.match(block) ?? []).map((pem) => parsed(new X509Certificate(pem)));
  } catch {
    return [];
  }
}

function parsed(certificate: X509Certificate): ParsedCertificate {
  return {
    pem: certificate.toString(),
    fingerprint: createHash("sha256").update(certificate.raw).digest("hex"),
    serial: certificate.serialNumber,
    names: sorted(alternativeNames(certificate.subjectAltName ?? "")),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    commonName: commonNameOf(certificate.subject),
    issuer: commonNameOf(certificate.issuer) || certificate.issuer.replaceAll("\n", ", "),
    isAuthority: certificate.ca,
  };
}

/** Of a distinguished name as Node writes it, one attribute a line. */
function commonNameOf(name: string | undefined): string {
  return /^CN=(.*)$/m.exec(name ?? "")?.[1] ?? "";
}

/** The serial number of the first certificate of a PEM text. */
export function serialOf(text: string): string | undefined {
  return parseChain(text)[0]?.serial;
}

/** The fingerprint of the first certificate of a PEM text. */
export function fingerprintOf(text: string): string | undefined {
  return parseChain(text)[0]?.fingerprint;
}

/** Declared names as they appear in a certificate, classified as by Step-CA (crypto v0.77 x509util). */
export function typedNames(names: readonly string[]): readonly string[] {
  return sorted(names.map((name) => `${typeOf(name)}:${canonicalName(name)}`));
}

/** Whether a private key (PEM) belongs to the first certificate of a chain. */
export function keyMatches(chain: string, key: string): boolean {
  const [leaf] = chain.match(block) ?? [];
  if (leaf === undefined) return false;
  try {
    return new X509Certificate(leaf).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Whether the first certificate leads to `root` by signatures, through the others as needed. Dates do not matter. */
export function leadsTo(chain: readonly ParsedCertificate[], root: string): boolean {
  const end = parseChain(root)[0];
  const [leaf, ...others] = chain;
  if (end === undefined || leaf === undefined) return false;
  const issuers = [...others, end].map(({ pem }) => new X509Certificate(pem));
  let current = new X509Certificate(leaf.pem);
  for (let steps = 0; steps <= issuers.length; steps += 1) {
    if (current.fingerprint256 === new X509Certificate(end.pem).fingerprint256) return true;
    const issuer = issuers.find(
      (candidate) => current.checkIssued(candidate) && current.verify(candidate.publicKey),
    );
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
}

/** Two thirds of the lifetime are over: when smallstep's own clients renew (cli v0.30). */
export function renewalDue(
  certificate: Pick<ParsedCertificate, "notBeforeMs" | "notAfterMs">,
  nowMs: number,
): boolean {
  return nowMs >= renewalMs(certificate);
}

/** When its renewal is due, in milliseconds since the epoch. */
export function renewalMs({
  notBeforeMs,
  notAfterMs,
}: Pick<ParsedCertificate, "notBeforeMs" | "notAfterMs">): number {
  return notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;
}

/** Whether a bundle of PEM certificates contains the first certificate of `pem`; cheap even for a whole trust store. */
export function bundleHolds(bundle: string, pem: string): boolean {
  const [wanted] = pem.match(block) ?? [];
  if (wanted === undefined) return false;
  const body = bodyOf(wanted);
  return (bundle.match(block) ?? []).some((candidate) => bodyOf(candidate) === body);
}

function bodyOf(pem: string): string {
  return pem.replace(/-----[^-]*-----/g, "").replace(/\s+/g, "");
}

const types: Readonly<Record<string, string>> = {
  DNS: "DNS",
  "IP Address": "IP",
  email: "email",
  URI: "URI",
};

/** Reads Node's text form, in which a value with special characters is a JSON string: `DNS:a, IP Address:192.0.2.1, DNS:"b\u002cc"`. */
function alternativeNames(text: string): readonly string[] {
  const names: string[] = [];
  for (const match of text.matchAll(/(?:^|, )([^:]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    const [, label = "", value = ""] = match;
    const plain: unknown = value.startsWith('"') ? JSON.parse(value) : value;
    names.push(`${types[label] ?? label}:${canonicalName(String(plain))}`);
  }
  return names;
}

function typeOf(name: string): string {
  if (isAddress(name)) return "IP";
  if (name.includes("://")) return "URI";
  return name.includes("@") ? "email" : "DNS";
}

function isAddress(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || name.includes(":");
}

/** Lower case, and IPv6 addresses in their one short form. */
function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/.test(lower) || !URL.canParse(`http://[${lower}]`)) return lower;
  return new URL(`http://[${lower}]`).hostname.slice(1, -1);
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

/** The first self-issued certificate of a text, as PEM; a file may hold the intermediate as well. */
export function rootIn(text: string): string | undefined {
  for (const pem of text.match(block) ?? []) {
    try {
      const certificate = new X509Certificate(pem);
      if (certificate.checkIssued(certificate)) return certificate.toString();
    } catch {
      // Not a certificate: the next block, or the next place, may hold one.
    }
  }
  return undefined;
}
