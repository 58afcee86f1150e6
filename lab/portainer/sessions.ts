/** Logins of the simulated Portainer: tokens that die with the process, API keys that do not, and the limit on quick logins. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../src/component.ts";
import type { ApiRequest } from "../api-server.ts";
import type { DatabaseFile, User } from "./database.ts";

export interface Sessions {
  /** A token for a user, good for the session's time. */
  issue(user: User): string;
  /** Whoever a request comes from, in Portainer's order: API key, cookie, bearer; the first one found decides. */
  identify(request: ApiRequest): Identity;
  /** Whether one more login from this address is allowed now. */
  admits(address: string): boolean;
}

export type Identity =
  | { readonly kind: "user"; readonly user: User; readonly byKey: boolean }
  | { readonly kind: "nobody" }
  /** A token or key that is not good. */
  | { readonly kind: "stranger" };

export interface SessionOptions {
  readonly database: DatabaseFile;
  readonly clock: Clock;
  /** Changes with every start of the process. */
  readonly process: string;
  /** The lab's fault: the process's first login is forgotten after one use. */
  readonly forgetful: () => boolean;
}

export const cookieName = "portainer_api_key";

/** Ten quick logins, one more each second; an address that goes on is refused for an hour (2.23 security/rate_limiter.go). */
const limiter = { burst: 10, perSecond: 1, banMs: 60 * 60_000 };

/** An address's credit, in logins. */
interface Bucket {
  readonly tokens: number;
  readonly at: number;
  readonly bannedUntil: number;
}

export function openSessions({ database, clock, process, forgetful }: SessionOptions): Sessions {
  const secret = createHmac("sha256", database.read().pairingKey).update(process).digest();
  let first: string | undefined;
  let uses = 0;
  const buckets = new Map<string, Bucket>();

  const signed = (text: string): string => createHmac("sha256", secret).update(text).digest("base64url");

  const holderOf = (token: string): User | undefined => {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const expected = Buffer.from(signed(`${header}.${payload}`));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as {
      id: number;
      exp: number;
      iat: number;
    };
    const user = database.read().users.find(({ id }) => id === claims.id);
    const alive = claims.exp * 1000 > clock.now() && claims.iat >= (user?.tokenIssueAt ?? 0);
    if (!alive) return undefined;
    if (token === first && forgetful()) {
      uses += 1;
      if (uses > 1) return undefined;
    }
    return user;
  };

  return {
    issue: (user) => {
      const [part, now] = [
        (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url"),
        clock.now(),
      ];
      const exp = Math.floor((now + durationMs(database.read().settings.sessionTimeout)) / 1000);
      const claims = {
        id: user.id,
        username: user.name,
        role: 1,
        scope: "default",
        exp,
        iat: Math.floor(now / 1000),
        jti: Math.random(),
      };
      const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
      const token = `${text}.${signed(text)}`;
      first ??= token;
      return token;
    },

    identify: ({ headers, query }) => {
      const key = headers["x-api-key"] ?? query.get("X-API-Key") ?? undefined;
      if (key !== undefined) {
        const digest = createHash("sha256").update(key).digest("hex");
        const { apiKeys, users } = database.read();
        const owner = apiKeys.find((each) => each.digest === digest)?.userId;
        const user = users.find(({ id }) => id === owner);
        return user === undefined ? { kind: "stranger" } : { kind: "user", user, byKey: true };
      }
      const bearer = headers.authorization?.replace(/^Bearer /, "") ?? query.get("token") ?? undefined;
      const token = cookieOf(headers.cookie ?? "") ?? bearer;
      if (token === undefined || token === "") return { kind: "nobody" };
      const user = holderOf(token);
      return user === undefined ? { kind: "stranger" } : { kind: "user", user, byKey: false };
    },

    admits: (address) => {
      const now = clock.now();
      const bucket = buckets.get(address) ?? { tokens: limiter.burst, at: now, bannedUntil: 0 };
      if (now < bucket.bannedUntil) return false;
      const refilled = bucket.tokens + ((now - bucket.at) / 1000) * limiter.perSecond;
      const tokens = Math.min(limiter.burst, refilled);
      const admitted = tokens >= 1;
      buckets.set(
        address,
        admitted
          ? { tokens: tokens - 1, at: now, bannedUntil: 0 }
          : { tokens, at: now, bannedUntil: now + limiter.banMs },
      );
      return admitted;
    },
  };
}

export function cookieOf(header: string): string | undefined {
  return new RegExp(`(?:^|;\\s*)${cookieName}=([^;]*)`).exec(header)?.[1];
}

/** "8h", "30m" in milliseconds. */
function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
  return [...text.matchAll(/(\d+)([smh])/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0),
    0,
  );
}
