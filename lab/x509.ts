/** Making certificates for the lab's machines. The library is loaded when the first one is made. */
import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { X509CertificateCreateParams } from "@peculiar/x509";

/** PEM of a certificate (or a chain, leaf first) and of its private key (PKCS #8). */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** "CN=chat.example.net" */
  readonly subject: string;
  /** DER of the public key (SubjectPublicKeyInfo). */
  readonly publicKey: Buffer;
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** A CA's certificate, with how many CAs may follow it. */
  readonly pathLength?: number;
  /** Who signs; absent: `ownKey` does, and the certificate is its own root. */
  readonly issuer?: TlsPair;
  readonly ownKey?: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Server and client authentication: a certificate of Step-CA can do both. */
const purposes = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

/** @returns PEM with a final line feed */
export async function signCertificate(request: CertificateRequest): Promise<string> {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const { issuer, ownKey, pathLength } = request;
  const signer = createPrivateKey(issuer?.key ?? ownKey ?? "");
  const signingKey = await crypto.subtle.importKey(
    "pkcs8",
    signer.export({ type: "pkcs8", format: "der" }),
    algorithm,
    false,
    ["sign"],
  );
  const publicKey = new x509.PublicKey(request.publicKey);
  const authority = issuer === undefined ? undefined : new x509.X509Certificate(issuer.cert);
  const names = request.names.map((value) => ({
    type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const),
    value,
  }));
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  const parameters: X509CertificateCreateParams = {
    // Positive and 16 bytes long, like Step-CA's.
    serialNumber: `4${randomBytes(16).toString("hex").slice(1)}`,
    subject: request.subject,
    issuer: authority?.subject ?? request.subject,
    notBefore: wholeSecond(request.notBeforeMs),
    notAfter: wholeSecond(request.notAfterMs),
    signingKey,
    publicKey,
    signingAlgorithm: algorithm,
    extensions: [
      pathLength === undefined
        ? new x509.BasicConstraintsExtension(false, undefined, true)
        : new x509.BasicConstraintsExtension(true, pathLength, true),
      new x509.KeyUsagesExtension(pathLength === undefined ? digitalSignature : keyCertSign | cRLSign, true),
      ...(pathLength === undefined ? [new x509.ExtendedKeyUsageExtension([...purposes])] : []),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ...(authority === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(authority)]),
    ],
  };
  const certificate = await x509.X509CertificateGenerator.create(parameters);
  return `${certificate.toString("pem").trimEnd()}\n`;
}

export interface NewKey {
  /** PEM, PKCS #8. */
  readonly pem: string;
  /** DER of its public half. */
  readonly publicKey: Buffer;
}

/** A new P-256 key. */
export function newKey(): NewKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    pem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: publicKey.export({ type: "spki", format: "der" }),
  };
}

/** As Step-CA classes the names of a token (crypto v0.77 x509util). */
export function nameType(name: string): "ip" | "url" | "email" | "dns" {
  if (isIP(name) !== 0) return "ip";
  if (name.includes("://")) return "url";
  return name.includes("@") ? "email" : "dns";
}

function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}
