/** What `nginx -t` finds in certificates and keys (1.22.1, measured). It looks neither at names nor at dates. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { codeOf } from "../store.ts";
import { listenOf, type NginxDirective, NginxEmergency, type NginxSource, named } from "./config.ts";

/** @throws NginxEmergency */
export function checkCertificates(
  server: NginxDirective,
  http: readonly NginxDirective[],
  around: NginxSource,
): void {
  const value = (name: string): string | undefined =>
    (named(server.block, name)[0] ?? named(http, name)[0])?.args[0];
  const certificate = value("ssl_certificate");
  const key = value("ssl_certificate_key");
  const secure = named(server.block, "listen").find((directive) => listenOf(directive)?.ssl);
  if (certificate === undefined || key === undefined) {
    if (secure === undefined || value("ssl_reject_handshake") === "on") return;
    const missing = certificate === undefined ? "ssl_certificate" : "ssl_certificate_key";
    throw new NginxEmergency(
      `no "${missing}" is defined for the "listen ... ssl" directive in ${secure.file}:${secure.line}`,
    );
  }
  if (certificate.includes("$") || key.includes("$")) return;
  const chain = textOf(around, "certificate", certificate);
  const leaf = parsed(() => new X509Certificate(chain));
  if (leaf === undefined) {
    const words =
      "PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)";
    throw new NginxEmergency(cannotLoad("certificate", certificate, words));
  }
  const keyText = textOf(around, "certificate key", key);
  const privateKey = parsed(() => createPrivateKey(keyText));
  if (privateKey === undefined) {
    const words =
      "PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode)";
    throw new NginxEmergency(cannotLoad("certificate key", key, words));
  }
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new NginxEmergency(
      `SSL_CTX_use_PrivateKey("${key}") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)`,
    );
  }
}

/** @throws NginxEmergency */
function textOf(around: NginxSource, what: string, path: string): string {
  try {
    const text = around.text(path);
    if (text !== undefined) return text;
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw error;
    const words = `BIO_new_file() failed (SSL: error:8000000D:system library::Permission denied:calling fopen(${path}, r) error:10080002:BIO routines::system lib)`;
    throw new NginxEmergency(cannotLoad(what, path, words));
  }
  throw new NginxEmergency(cannotLoad(what, path, missingFile(path)));
}

function cannotLoad(what: string, path: string, words: string): string {
  return `cannot load ${what} "${path}": ${words}`;
}

function missingFile(path: string): string {
  return `BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(${path}, r) error:10000080:BIO routines::no such file)`;
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
