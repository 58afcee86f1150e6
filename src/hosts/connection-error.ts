/** Why connections fail, from the errors of the system and OpenSSL. Pure. */

import { codeOf } from "../errors.ts";

/** Why a connection failed, without addresses: "connection refused", "tlsv1 unrecognized name". */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const known = code === undefined ? undefined : reasons[code];
  if (known !== undefined) return known;
  // OpenSSL's own message for a TLS failure.
  if (error instanceof Error && "reason" in error && typeof error.reason === "string" && error.reason !== "")
    return error.reason;
  return error instanceof Error ? error.message : String(error);
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "unknown host name",
  EAI_AGAIN: "its name cannot be looked up now",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed by the other side",
  EPIPE: "the connection was closed by the other side",
  ETIMEDOUT: "timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network unreachable",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not from a trusted authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not from a trusted authority",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not from a trusted authority",
};
