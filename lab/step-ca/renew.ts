/** POST /renew: the same certificate again with a new serial number and time, proved by the old one. */
import { X509Certificate } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import type { ApiRequest, ApiResponse } from "../api-server.ts";
import type { Authority } from "./authority.ts";
import { Refusal } from "./refusal.ts";
import { issue } from "./sign.ts";

/** By TLS client certificate, or by a token that the certificate's key signed (also when it has expired). */
export async function renew(authority: Authority, request: ApiRequest): Promise<ApiResponse> {
  const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  const old = token === undefined ? peerOf(request) : await holderOf(authority, token);
  const issuer = new X509Certificate(authority.intermediate.cert);
  if (!old.checkIssued(issuer) || !old.verify(issuer.publicKey))
    throw new Refusal(401, "certificate is not from this authority");
  const [from, to] = [Date.parse(old.validFrom), Date.parse(old.validTo)];
  if (authority.claims.disableRenewal === true) throw new Refusal(401, "renew is disabled");
  if (authority.now() < from) throw new Refusal(401, "certificate is not yet valid");
  if (authority.now() > to && authority.claims.allowRenewalAfterExpiry !== true)
    throw new Refusal(401, `certificate expired on ${old.validTo}`);
  const now = authority.now() - 60_000;
  return issue(authority, {
    subject: commonNameOf(old),
    names: namesOf(old),
    publicKey: old.publicKey.export({ type: "spki", format: "der" }),
    lifetime: { notBeforeMs: now, notAfterMs: now + (to - from) },
  });
}

function peerOf({ peer }: ApiRequest): X509Certificate {
  if (peer === undefined) throw new Refusal(400, "missing client certificate");
  return new X509Certificate(peer);
}

async function holderOf(authority: Authority, token: string): Promise<X509Certificate> {
  try {
    const { x5cInsecure, alg = "ES256" } = decodeProtectedHeader(token) as {
      x5cInsecure?: unknown;
      alg?: string;
    };
    const chain = Array.isArray(x5cInsecure) ? x5cInsecure.map(String) : [];
    const [leaf, intermediate] = chain.map((der) => new X509Certificate(Buffer.from(der, "base64")));
    if (leaf === undefined || intermediate === undefined) throw new Error("the intermediate is missing");
    const { payload } = await jwtVerify(token, leaf.publicKey, {
      algorithms: [alg],
      issuer: "step-ca-client/1.0",
      subject: commonNameOf(leaf),
      currentDate: new Date(authority.now()),
      clockTolerance: 60,
    });
    const audience = String(payload.aud);
    const wanted = authority.dnsNames.flatMap((name) => [
      `https://${name}/renew`,
      `https://${name}/1.0/renew`,
    ]);
    if (!wanted.includes(audience.replace(/:\d+(?=\/)/, ""))) throw new Error("invalid audience");
    if (!authority.useToken(payload.jti ?? token, (payload.exp ?? 0) * 1000))
      throw new Error("token already used");
    return leaf;
  } catch (error) {
    throw new Refusal(
      401,
      `error validating renew token: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function commonNameOf({ subject }: X509Certificate): string {
  return /(?:^|\n)CN=(.*)$/m.exec(subject)?.[1] ?? "";
}

function namesOf({ subjectAltName = "" }: X509Certificate): readonly string[] {
  return [...subjectAltName.matchAll(/(?:DNS|IP Address|email|URI):([^,\s]+)/g)].map(([, name = ""]) => name);
}
