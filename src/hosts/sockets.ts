/** Opening TCP and TLS connections, and the reasons when that fails. */
import { createConnection, isIP, type Socket } from "node:net";
import {
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { codeOf } from "../errors.ts";
import { reasonOf } from "./connection-error.ts";
import type { ConnectResult, Endpoint, HandshakeOptions, HandshakeResult } from "./network.ts";

/** A TCP connection. @throws the system's error, or one with code ETIMEDOUT when `signal` is aborted first */
export function openTcp(to: Endpoint, signal: AbortSignal): Promise<Socket> {
  return settled(createConnection({ host: to.address, port: to.port }), "connect", signal);
}

export interface TlsOptions {
  readonly servername: string;
  /** PEM of the trusted roots; absent means the public authorities. */
  readonly roots: readonly string[] | undefined;
  /** Fail when the certificate is not trusted or has another name. */
  readonly strict: boolean;
}

/** A TLS connection. @throws as `openTcp`, and OpenSSL's errors */
export function openTls(to: Endpoint, options: TlsOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { servername, roots, strict } = options;
  const socket = connectTls({
    host: to.address,
    port: to.port,
    ...(roots === undefined ? {} : { secureContext: trusting(roots) }),
    rejectUnauthorized: strict,
    // Addresses are verified but never sent: the protocol only allows host names.
    ...(isIP(servername) === 0 ? { servername } : {}),
    checkServerIdentity: (_, certificate) => checkServerIdentity(servername, certificate),
  });
  return settled(socket, "secureConnect", signal);
}

const contexts = new Map<string, SecureContext>();

/** Parsing roots takes longer than a handshake, and a run makes hundreds with the same one or two. */
function trusting(roots: readonly string[]): SecureContext {
  const key = roots.join("\n");
  const context = contexts.get(key) ?? createSecureContext({ ca: [...roots] });
  contexts.set(key, context);
  return context;
}

function settled<T extends Socket>(socket: T, event: string, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.destroy(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }));
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    socket.once("close", () => signal.removeEventListener("abort", stop));
    socket.once("error", reject);
    socket.once(event, () => {
      signal.removeEventListener("abort", stop);
      socket.off("error", reject);
      // Later errors belong to the user of the connection; without a listener they would end the process.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

export async function tryConnect(to: Endpoint, signal: AbortSignal): Promise<ConnectResult> {
  try {
    (await openTcp(to, signal)).destroy();
    return { ok: true };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ETIMEDOUT") return { ok: false, reason: "timeout" };
    return { ok: false, reason: code === "ECONNREFUSED" ? "refused" : "unreachable" };
  }
}

export async function tryHandshake(
  to: Endpoint,
  { servername, ca }: HandshakeOptions,
  signal: AbortSignal,
): Promise<HandshakeResult> {
  let socket: TLSSocket;
  try {
    // An empty list trusts nothing; without a list Node trusts the public authorities.
    const roots = ca === undefined ? [] : [ca];
    socket = await openTls(to, { servername, roots, strict: false }, signal);
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
  const served = socket.getPeerX509Certificate();
  const { authorized } = socket;
  const code = String(socket.authorizationError);
  const isOtherName = code === "ERR_TLS_CERT_ALTNAME_INVALID";
  socket.destroy();
  if (served === undefined) return { ok: false, reason: "no certificate was served" };
  return {
    ok: true,
    trusted: authorized,
    ...(authorized ? {} : { reason: isOtherName ? "name does not match" : code }),
    serial: served.serialNumber.toUpperCase(),
    certificate: served.toString(),
  };
}
