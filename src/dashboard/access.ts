/** Who may see the page: the token, the cookie that it is exchanged for, and the names that the server answers to. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Access {
  /** In the address that is printed once. */
  readonly token: string;
  /** Undefined for a request without a valid token or cookie. "token": it is to get the cookie. */
  allows(request: IncomingMessage): "token" | "cookie" | undefined;
  /** Whether the request is for one of our own names: a page elsewhere whose name was turned to this address is not. */
  isMeant(request: IncomingMessage): boolean;
  /** The header that sets the cookie. */
  readonly cookie: string;
}

/** 256 bits. */
const tokenBytes = 32;

/** @param hostnames lower case, as browsers write them: "127.0.0.1", "[::1]"; @param port tells several dashboards' cookies apart */
export function openAccess(hostnames: ReadonlySet<string>, port: number, isSecure: boolean): Access {
  const token = randomBytes(tokenBytes).toString("base64url");
  // Not the token itself: whoever sees a cookie has not seen the address.
  const session = randomBytes(tokenBytes).toString("base64url");
  const name = isSecure ? "__Host-phoenix" : `phoenix-${port}`;
  const flags = `Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
  return {
    token,
    cookie: `${name}=${session}; ${flags}`,
    allows: (request) => {
      if (isEqual(tokenOf(request), token)) return "token";
      return isEqual(cookieOf(request, name), session) ? "cookie" : undefined;
    },
    isMeant: ({ headers: { host = "" } }) =>
      hostnames.has(host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "")),
  };
}

/** Of the address, or of `Authorization: Bearer`. */
function tokenOf({ url = "", headers: { authorization = "" } }: IncomingMessage): string {
  const bearer = /^Bearer (\S+)$/i.exec(authorization)?.[1];
  return bearer ?? new URLSearchParams(url.split("?", 2)[1] ?? "").get("token") ?? "";
}

function cookieOf({ headers: { cookie = "" } }: IncomingMessage, name: string): string {
  for (const each of cookie.split(";")) {
    const at = each.indexOf("=");
    if (each.slice(0, at).trim() === name) return each.slice(at + 1).trim();
  }
  return "";
}

/** In constant time, whatever the length of what was sent. */
function isEqual(sent: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(sent), digest(expected));
}
