/**
 * Requests to Portainer: one login per run, one authorisation header, no cookies. With a cookie Portainer (from 2.20) also
 * requires a CSRF token, and it refuses two kinds of credentials.
 */
import pLimit from "p-limit";
import type { Clock } from "../../component.ts";
import { defined } from "../../defined.ts";
import { ApiError, TransportError } from "../../errors.ts";
import { numberOf, parseJson, textOf } from "../../formats/json/index.ts";
import { causeIn } from "../../formats/text/last-lines.ts";
import type { HttpRequest, HttpResponse, Network } from "../../hosts/network.ts";
import { retry } from "../../poll.ts";
import type { Secret } from "../../secret.ts";

export interface PortainerOptions {
  readonly network: Network;
  readonly clock: Clock;
  /** Dotted IPv4 address, and the port of the HTTPS API. */
  readonly address: string;
  readonly port: number;
  /** The name in its certificate. */
  readonly hostname: string;
  readonly user: string;
  /** Absent when only the API key is configured. */
  readonly password?: Secret;
  /** The password that worked last, when it may be another one: tried when the configured one is refused. */
  readonly previousPassword?: () => Promise<Secret | undefined>;
  /** Used instead of a login: LDAP and OAuth have none for a program. */
  readonly apiKey?: Secret;
  /** PEM of the root that its certificate must lead to; without one, a public authority's. */
  readonly root: () => Promise<string | undefined>;
  /** Of the only certificate that is accepted, whoever issued it: SHA-256 in upper-case hexadecimal digits. */
  readonly fingerprint?: string;
}

export interface PortainerCall {
  readonly method: HttpRequest["method"];
  /** "/api/stacks?endpointId=1" */
  readonly path: string;
  /** For an error message: "create stack qdrant". */
  readonly purpose: string;
  readonly effect: HttpRequest["effect"];
  readonly json?: unknown;
  readonly form?: { readonly type: string; readonly content: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides 2xx that the caller handles. */
  readonly accept?: readonly number[];
  readonly hint?: (response: HttpResponse) => string | undefined;
  readonly timeoutMs?: number;
  /** Unlike other reads, it is not repeated when the connection fails quickly. */
  readonly once?: true;
}

/** A restarting Portainer refuses connections for less than this in total (2.23: 0.15 s in process, 2 s for a container). Milliseconds. */
const retryPausesMs = [250, 500, 1_500];
/** A failure that took longer was not a refused connection; another try would only cost time. Milliseconds. */
const quickMs = 2_000;

/**
 * Reads that Portainer is asked for at once: it passes most of them on to agents and engines, and the time that one may take counts from
 * when it is sent. Changes are not held up by them.
 */
const parallelReads = 8;

const timedOutHint =
  "no administrator was created within five minutes of Portainer's start; restart its container";

export class PortainerSession {
  readonly #options: PortainerOptions;
  readonly #reads = pLimit(parallelReads);
  #token: Promise<string> | undefined;
  /** The password that was accepted, when it is not the configured one. */
  #previous: Secret | undefined;
  /** Portainer has answered in this run: when it refuses a connection now, it is restarting. */
  #hasAnswered = false;

  constructor(options: PortainerOptions) {
    this.#options = options;
  }

  /** Proves the credentials, unless that was done before. @throws ApiError, TransportError */
  async login(): Promise<"configured" | "previous"> {
    if (this.#options.apiKey !== undefined) {
      const path = "/api/settings";
      // Only an administrator may see them.
      await this.call({ method: "GET", path, purpose: "accept the API key", effect: "read" });
      return "configured";
    }
    await this.#currentToken();
    return this.#previous === undefined ? "configured" : "previous";
  }

  /** Replaces the previous password, with which the login worked, by the configured one. @throws ApiError, TransportError */
  async rotatePassword(): Promise<void> {
    if ((await this.login()) === "configured" || this.#previous === undefined) return;
    const { user, password } = this.#options;
    await this.call({
      method: "PUT",
      path: `/api/users/${userIn(await this.#currentToken())}/passwd`,
      purpose: `change the password of ${user}`,
      effect: "change",
      json: { Password: this.#previous.reveal(), NewPassword: password?.reveal() },
    });
    // Every token of the user has ended with its password.
    this.#token = undefined;
    this.#previous = undefined;
    await this.#currentToken();
  }

  /** A call that needs no login. @throws ApiError, TransportError */
  async open(call: PortainerCall): Promise<HttpResponse> {
    return checked(call, await this.#send(call));
  }

  /** A call with the login; an expired token is replaced. @throws ApiError, TransportError */
  async call(call: PortainerCall): Promise<HttpResponse> {
    const { apiKey } = this.#options;
    if (apiKey !== undefined) {
      const response = await this.#send(call, { "x-api-key": apiKey.reveal() });
      return checked(response.status === 401 ? { ...call, hint: () => keyHint } : call, response);
    }
    const used = this.#currentToken();
    const response = await this.#send(call, { authorization: `Bearer ${await used}` });
    if (response.status !== 401) return checked(call, response);
    // Every token expires when Portainer restarts. Calls side by side share the one new login.
    if (this.#token === used) this.#token = undefined;
    const authorization = `Bearer ${await this.#currentToken()}`;
    return checked(call, await this.#send(call, { authorization }));
  }

  /** The JSON that Portainer answers. @throws ApiError, TransportError */
  async get(path: string, purpose: string): Promise<unknown> {
    const { text } = await this.call({ method: "GET", path, purpose, effect: "read" });
    return parseJson(text);
  }

  #currentToken(): Promise<string> {
    const token = this.#token ?? this.#requestToken();
    this.#token = token;
    // The next call tries again after a failed login.
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  async #requestToken(): Promise<string> {
    const { user, password, previousPassword } = this.#options;
    const response = await this.#authenticate(password);
    const token = tokenIn(response);
    if (token !== undefined) return token;
    const previous = response.status === 422 ? await previousPassword?.() : undefined;
    if (previous !== undefined && previous.reveal() !== password?.reveal()) {
      const other = tokenIn(await this.#authenticate(previous));
      this.#previous = other === undefined ? undefined : previous;
      if (other !== undefined) return other;
    }
    throw refusal({ purpose: `log ${user} in`, hint: loginHint }, response);
  }

  #authenticate(password: Secret | undefined): Promise<HttpResponse> {
    return this.#send({
      method: "POST",
      path: "/api/auth",
      purpose: "log in",
      effect: "read",
      json: { Username: this.#options.user, Password: password?.reveal() },
    });
  }

  async #send(call: PortainerCall, credentials: HttpRequest["headers"] = {}): Promise<HttpResponse> {
    const { network, clock } = this.#options;
    const request = await this.#request(call, credentials);
    let started = 0;
    const send = (): Promise<HttpResponse> => {
      started = clock.now();
      return network.request(request);
    };
    const response = await retry(
      clock,
      call.effect === "read" && call.once === undefined ? retryPausesMs : [],
      () => (call.effect === "read" ? this.#reads(send) : send()),
      (error) => error instanceof TransportError && this.#hasAnswered && clock.now() - started < quickMs,
    );
    this.#hasAnswered = true;
    return response;
  }

  async #request(call: PortainerCall, credentials: HttpRequest["headers"]): Promise<HttpRequest> {
    const { address, port, hostname, root, fingerprint } = this.#options;
    const { method, path, effect, json, form, timeoutMs, headers } = call;
    const type = json === undefined ? form?.type : "application/json";
    return {
      method,
      url: `https://${address}:${port}${path}`,
      hostname,
      headers: {
        ...defined({ accept: "application/json", "content-type": type }),
        ...headers,
        ...credentials,
      },
      effect,
      ...defined({ ca: fingerprint === undefined ? await root() : undefined, fingerprint }),
      ...defined({ body: json === undefined ? form?.content : JSON.stringify(json), timeoutMs }),
    };
  }
}

function tokenIn({ status, text }: HttpResponse): string | undefined {
  return status === 200 ? textOf(parseJson(text), "jwt") || undefined : undefined;
}

/** The number of the user that a token is for. */
function userIn(token: string): number {
  const [, payload = ""] = token.split(".");
  return numberOf(parseJson(Buffer.from(payload, "base64url").toString()), "id");
}

function checked(call: PortainerCall, response: HttpResponse): HttpResponse {
  const { status } = response;
  if ((status >= 200 && status < 300) || call.accept?.includes(status) === true) return response;
  throw refusal(call, response);
}

/** The error for a refusal, with Portainer's message. Only its two error fields are quoted, never a body. */
function refusal(
  { purpose, hint }: Pick<PortainerCall, "purpose" | "hint">,
  response: HttpResponse,
): ApiError {
  const { status, text } = response;
  return new ApiError(status, `Portainer did not ${purpose}: ${messageIn(text) || `it answered ${status}`}`, {
    hint: isTimedOut(response) ? timedOutHint : hint?.(response),
  });
}

/** Portainer waits five minutes for its first administrator, then answers 303 to everything until it is restarted. */
export function isTimedOut({ status, headers }: HttpResponse): boolean {
  return status === 303 && headers["redirect-reason"] === "AdminInitTimeout";
}

/** `message` and `details` of Portainer's errors, `message` of Docker's; one of them when they are the same. Causes alone. */
export function messageIn(text: string): string {
  const answer = parseJson(text);
  const message = causeIn(textOf(answer, "message"));
  const details = causeIn(textOf(answer, "details"));
  if (details === "" || details === "Unauthorized") return message;
  if (message === "") return details;
  // The details of most errors repeat the message, with a capital.
  return message.toLowerCase() === details.toLowerCase() ? message : `${message}: ${details}`;
}

const keyHint =
  "the API key was revoked, or is another Portainer's: make one under the administrator's access tokens";

function loginHint({ status }: HttpResponse): string | undefined {
  if (status === 422)
    return "the configured password is not the stored one: `phoenix portainer reset-password` sets it";
  if (status === 403)
    return "Portainer bans an address for an hour after ten quick logins; restarting its container ends the ban";
  return undefined;
}
