/** Step-CA as a loopback server: the endpoints that clients of a JWK provisioner use (certificates v0.30 api/api.go). */
import { createHash, X509Certificate } from "node:crypto";
import type { HostName } from "../../src/resource.ts";
import { type ApiRequest, type ApiResponse, json, serveApi } from "../api-server.ts";
import type { LabContext, LabServer } from "../context.ts";
import { newKey, signCertificate } from "../x509.ts";
import { type Authority, loadAuthority } from "./authority.ts";
import { backdateMs } from "./lifetime.ts";
import { Refusal, refused } from "./refusal.ts";
import { renew } from "./renew.ts";
import { sign } from "./sign.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** @throws Error when `initCa` has not made its files */
export async function startStepCa(context: LabContext, host: HostName): Promise<LabServer> {
  const authority = loadAuthority(context, host);
  const pair = await ownCertificate(authority);
  return serveApi({
    broken: (fault) => context.fault(fault, "ca") !== undefined,
    tls: () => pair,
    clientRoots: () => [authority.rootPem, authority.intermediate.cert],
    app: (request) => answer(authority, request),
    failure: refused(new Refusal(500, "the lab's fault error-500")),
  });
}

async function ownCertificate({ context, dnsNames, intermediate }: Authority) {
  const key = newKey();
  // Good by the lab's clock and by the machine's, which TLS clients go by.
  const times = [context.clock.now(), Date.now()];
  const cert = await signCertificate({
    subject: "CN=Step Online CA",
    publicKey: key.publicKey,
    names: dnsNames,
    notBeforeMs: Math.min(...times) - backdateMs,
    notAfterMs: Math.max(...times) + dayMs,
    issuer: intermediate,
  });
  return { cert: cert + intermediate.cert, key: key.pem };
}

async function answer(authority: Authority, request: ApiRequest): Promise<ApiResponse> {
  const response = await routed(authority, request);
  return { ...response, headers: { ...response.headers, date: new Date(authority.now()).toUTCString() } };
}

/** Every path is there twice: /sign and /1.0/sign. */
async function routed(authority: Authority, request: ApiRequest): Promise<ApiResponse> {
  const path = request.path.replace(/^\/1\.0(?=\/)/, "");
  const found = routes.filter(([, pattern]) => pattern.test(path));
  if (found.length === 0) return { status: 404, headers: plainText, body: "404 page not found\n" };
  const route = found.find(
    ([method]) => method === request.method || (method === "GET" && request.method === "HEAD"),
  );
  if (route === undefined) return { status: 405 };
  const [, pattern, act] = route;
  try {
    return await act(authority, request, pattern.exec(path)?.[1] ?? "");
  } catch (error) {
    if (error instanceof Refusal) return refused(error);
    throw error;
  }
}

const plainText = { "content-type": "text/plain; charset=utf-8" };

type Route = (authority: Authority, request: ApiRequest, name: string) => ApiResponse | Promise<ApiResponse>;

const routes: readonly (readonly [string, RegExp, Route])[] = [
  ["GET", /^\/health$/, () => json(200, { status: "ok" })],
  ["GET", /^\/version$/, () => json(200, { version: "0.30.2" })],
  // 201 for reading: so it is.
  ["GET", /^\/roots$/, ({ rootPem }) => json(201, { crts: [rootPem] })],
  [
    "GET",
    /^\/roots\.pem$/,
    ({ rootPem }) => ({ status: 200, headers: { "content-type": "application/x-pem-file" }, body: rootPem }),
  ],
  ["GET", /^\/intermediates$/, ({ intermediate }) => json(201, { crts: [intermediate.cert] })],
  ["GET", /^\/federation$/, () => json(201, { crts: [] })],
  ["GET", /^\/root\/([^/]+)$/, root],
  ["GET", /^\/provisioners$/, provisioners],
  ["GET", /^\/provisioners\/([^/]+)\/encrypted-key$/, encryptedKey],
  ["POST", /^\/sign$/, sign],
  ["POST", /^\/(?:renew|re-sign)$/, renew],
];

/** Dashes are taken out and case does not count; colons are no part of a fingerprint here. */
function root({ rootPem }: Authority, _: ApiRequest, wanted: string): ApiResponse {
  const fingerprint = createHash("sha256").update(new X509Certificate(rootPem).raw).digest("hex");
  if (wanted.replaceAll("-", "").toLowerCase() !== fingerprint)
    throw new Refusal(404, `certificate with fingerprint ${wanted} was not found`);
  return json(200, { ca: rootPem });
}

/** Twenty to a page unless asked for more; the cursor is the position. */
function provisioners({ provisioners: all }: Authority, { query }: ApiRequest): ApiResponse {
  const limit = Math.min(100, Number(query.get("limit") ?? "") || 20);
  const from = Number.parseInt(query.get("cursor") ?? "", 16) || 0;
  const next = from + limit;
  return json(200, {
    provisioners: all.slice(from, next),
    nextCursor: next < all.length ? next.toString(16).padStart(40, "0") : "",
  });
}

function encryptedKey({ provisioners: all }: Authority, _: ApiRequest, id: string): ApiResponse {
  const found = all.find(({ key }) => key.kid === id);
  if (found?.encryptedKey === undefined) throw new Refusal(404, `provisioner ${id} was not found`);
  return json(200, { key: found.encryptedKey });
}
