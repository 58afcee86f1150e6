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
  | { readonly kind: "anonymous" }
  /** An invalid token or key. */
  | { readonly kind: "unknown" };

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

export function openSessions(options: SessionOptions): Sessions {
  return new ProcessSessions(options);
}

class ProcessSessions implements Sessions {
  readonly #options: SessionOptions;
  readonly #secret: Buffer;
  readonly #buckets = new Map<string, Bucket>();
  #first: string | undefined;
  #uses = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#secret = createHmac("sha256", options.database.read().pairingKey).update(options.process).digest();
  }

  issue(user: User): string {
    const { database, clock } = this.#options;
    const now = clock.now();
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = {
      id: user.id,
      username: user.name,
      role: 1,
      scope: "default",
      exp: Math.floor((now + durationMs(database.read().settings.sessionTimeout)) / 1000),
      iat: Math.floor(now / 1000),
      jti: Math.random(),
    };
    const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
    const token = `${text}.${this.#signed(text)}`;
    this.#first ??= token;
    return token;
  }

  identify({ headers, query }: ApiRequest): Identity {
    const key = headers["x-api-key"] ?? query.get("X-API-Key") ?? undefined;
    if (key !== undefined) {
      const digest = createHash("sha256").update(key).digest("hex");
      const { apiKeys, users } = this.#options.database.read();
      const owner = apiKeys.find((each) => each.digest === digest)?.userId;
      const user = users.find(({ id }) => id === owner);
      return user === undefined ? { kind: "unknown" } : { kind: "user", user, byKey: true };
    }
    const bearer = headers.authorization?.replace(/^Bearer /, "") ?? query.get("token") ?? undefined;
    const token = cookieOf(headers.cookie ?? "") ?? bearer;
    if (token === undefined || token === "") return { kind: "anonymous" };
    const user = this.#holderOf(token);
    return user === undefined ? { kind: "unknown" } : { kind: "user", user, byKey: false };
  }

  admits(address: string): boolean {
    const now = this.#options.clock.now();
    const bucket = this.#buckets.get(address) ?? { tokens: limiter.burst, at: now, bannedUntil: 0 };
    if (now < bucket.bannedUntil) return false;
    const refilled = bucket.tokens + ((now - bucket.at) / 1000) * limiter.perSecond;
    const tokens = Math.min(limiter.burst, refilled);
    const admitted = tokens >= 1;
    this.#buckets.set(
      address,
      admitted
        ? { tokens: tokens - 1, at: now, bannedUntil: 0 }
        : { tokens, at: now, bannedUntil: now + limiter.banMs },
    );
    return admitted;
  }

  #holderOf(token: string): User | undefined {
    const { database, clock, forgetful } = this.#options;
    const [header = "", payload = "", signature = ""] = token.split(".");
    const expected = Buffer.from(this.#signed(`${header}.${payload}`));
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
    if (token === this.#first && forgetful()) {
      this.#uses += 1;
      if (this.#uses > 1) return undefined;
    }
    return user;
  }

  #signed(text: string): string {
    return createHmac("sha256", this.#secret).update(text).digest("base64url");
  }
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
