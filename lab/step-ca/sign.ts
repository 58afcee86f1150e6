/** POST /sign: a token and a certificate request become a certificate (certificates v0.30 authority/provisioner/sign_options.go). */
import { createHash, createPublicKey } from "node:crypto";
import { type ApiRequest, type ApiResponse, json } from "../api-server.ts";
import { nameType, signCertificate } from "../x509.ts";
import type { Authority } from "./authority.ts";
import { type Lifetime, lifetimeOf } from "./lifetime.ts";
import { Refusal } from "./refusal.ts";
import { authorizeSign, type SignToken } from "./token.ts";

export async function sign(authority: Authority, { body }: ApiRequest): Promise<ApiResponse> {
  const asked = parsed(body);
  if (asked.csr === undefined) throw new Refusal(400, "missing csr");
  if (asked.ott === undefined) throw new Refusal(400, "missing ott");
  const request = await readRequest(asked.csr);
  const token = await authorizeSign(authority, asked.ott);
  checkRequest(request, token);
  const claims = { ...authority.claims, ...token.provisioner.claims };
  const lifetime = lifetimeOf(asked, claims, authority.now());
  return issue(authority, {
    subject: token.subject,
    names: token.names,
    publicKey: request.publicKey,
    lifetime,
  });
}

export interface Issue {
  readonly subject: string;
  readonly names: readonly string[];
  readonly publicKey: Buffer;
  readonly lifetime: Lifetime;
}

/** Signs, and answers as /sign and /renew do. */
export async function issue(
  authority: Authority,
  { subject, names, publicKey, lifetime }: Issue,
): Promise<ApiResponse> {
  // TLS clients know no clock but the machine's: in a lab whose clock runs ahead, a certificate must have begun for them too.
  const notBeforeMs = Math.min(lifetime.notBeforeMs, Date.now() - 60_000);
  const crt = await signCertificate({
    subject: `CN=${subject}`,
    publicKey,
    names,
    notBeforeMs,
    notAfterMs: lifetime.notAfterMs,
    issuer: authority.intermediate,
  });
  const ca = authority.intermediate.cert;
  return json(201, {
    crt,
    ca,
    certChain: [crt, ca],
    tlsOptions: { cipherSuites: [], minVersion: 1.2, maxVersion: 1.3, renegotiation: false },
  });
}

interface SignBody {
  readonly csr?: string;
  readonly ott?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

function parsed(body: Buffer): SignBody {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value !== "object" || value === null) throw new Error("no object");
    const texts = Object.entries(value).filter(([, each]) => typeof each === "string" && each !== "");
    return Object.fromEntries(texts);
  } catch {
    throw new Refusal(400, "error reading request body: error decoding json");
  }
}

interface RequestFacts {
  readonly der: Buffer;
  readonly publicKey: Buffer;
  readonly commonName: string;
  readonly names: readonly string[];
}

const alternativeNames = "2.5.29.17";

async function readRequest(pem: string): Promise<RequestFacts> {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  try {
    const request = new x509.Pkcs10CertificateRequest(pem);
    if (!(await request.verify())) throw new Error("invalid signature");
    // By its number: asking by class finds nothing in a request (@peculiar/x509 2.2).
    const extension = request.getExtension(alternativeNames);
    const names =
      extension === null ? [] : new x509.SubjectAlternativeNameExtension(extension.rawData).names.items;
    return {
      der: Buffer.from(request.rawData),
      publicKey: Buffer.from(request.publicKey.rawData),
      commonName: request.subjectName.getField("CN")[0] ?? "",
      names: names.map(({ value }) => value),
    };
  } catch {
    throw new Refusal(400, "invalid csr");
  }
}

/** What the request may say besides its key: nothing, or the same as the token. @throws Refusal 403 */
function checkRequest(request: RequestFacts, { subject, names, requestHash }: SignToken): void {
  const hash = createHash("sha256").update(request.der).digest("base64url");
  if (requestHash !== undefined && requestHash !== hash)
    throw new Refusal(403, `certificate request fingerprint does not match "${requestHash}"`);
  const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({
    key: request.publicKey,
    format: "der",
    type: "spki",
  });
  if (asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    throw new Refusal(403, "certificate request RSA key must be at least 2048 bits (256 bytes)");
  const { commonName } = request;
  if (commonName !== "" && commonName !== subject && !names.includes(commonName))
    throw new Refusal(
      403,
      `certificate request does not contain the valid common name - got ${commonName}, want ${subject}`,
    );
  const words = { dns: "DNS names", ip: "IP addresses", email: "email addresses", url: "URIs" } as const;
  for (const type of ["dns", "ip", "email", "url"] as const) {
    const got = request.names.filter((name) => nameType(name) === type).sort();
    const want = names.filter((name) => nameType(name) === type).sort();
    if (got.length > 0 && got.join() !== want.join())
      throw new Refusal(
        403,
        `certificate request does not contain the valid ${words[type]} - got [${got.join(" ")}], want [${want.join(" ")}]`,
      );
  }
}
