/** HTTP from the machine that phoenix runs on to anywhere: names are looked up, and the system's authorities are trusted. */
import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import { seconds } from "./clock.ts";
import { reasonOf } from "./connection-error.ts";
import { deadline } from "./deadline.ts";
import { exchange } from "./http.ts";
import type { HttpRequest, HttpResponse } from "./network.ts";

/** Where distributions keep the authorities that their users trust: Debian and Alpine, Fedora, openSUSE. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

/** @param roots PEM of more authorities; @throws Error with the reason, which holds no URL */
export async function requestOutside(request: HttpRequest, roots: readonly string[]): Promise<HttpResponse> {
  const { timeoutMs = 10_000 } = request;
  const own = new AbortController();
  const answered = deadline(timeoutMs, () => own.abort());
  const secure = /^https:/i.test(request.url);
  const asked = secure ? { ...request, ca: [...(await trusted()), ...roots].join("\n") } : request;
  try {
    const route = { address: new URL(request.url).hostname.replace(/^\[|\]$/g, "") };
    return await exchange(asked, async (to) => ({ ...to, ...route }), own.signal);
  } catch (error) {
    throw new Error(own.signal.aborted ? `no answer within ${seconds(timeoutMs)}` : reasonOf(error));
  } finally {
    answered();
  }
}

let known: Promise<readonly string[]> | undefined;

/** Node's own list where the system has none. */
function trusted(): Promise<readonly string[]> {
  known ??= firstOf(bundles);
  return known;
}

async function firstOf(paths: readonly string[]): Promise<readonly string[]> {
  for (const path of paths) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text.includes("BEGIN CERTIFICATE")) return [text];
  }
  return rootCertificates;
}
