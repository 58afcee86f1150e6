/**
 * Requests to Portainer: one login per run, one authorisation header, no cookies. With a cookie Portainer (2.20 on) wants a
 * CSRF token too, and with two kinds of credentials it refuses.
 */
import type { Clock } from "../../component.ts";
import { ApiError, TransportError } from "../../errors.ts";
import { parseJson, textOf } from "../../formats/json/index.ts";
import type { HttpRequest, HttpResponse, Network } from "../../hosts/network.ts";
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
  readonly password: Secret;
  /** PEM of the root that its certificate must lead to. */
  readonly root: () => Promise<string>;
}

export interface PortainerCall {
  readonly method: HttpRequest["method"];
  /** "/api/stacks?endpointId=1" */
  readonly path: string;
  /** What it is for, in an error message: "create stack qdrant". */
  readonly purpose: string;
  readonly effect: HttpRequest["effect"];
  readonly json?: unknown;
  readonly form?: { readonly type: string; readonly content: string };
  /** Statuses besides 2xx that the caller deals with. */
  readonly accept?: readonly number[];
  readonly hint?: (response: HttpResponse) => string | undefined;
  readonly timeoutMs?: number;
  /** Reads are repeated after a quick failure of the connection unless this says no. */
  readonly once?: true;
}

export interface PortainerSession {
  /** Proves the credentials, unless that was done before. @throws ApiError, TransportError */
  login(): Promise<void>;
  /** A call that needs no login. @throws ApiError, TransportError */
  open(call: PortainerCall): Promise<HttpResponse>;
  /** A call with the login; a token that died is replaced. @throws ApiError, TransportError */
  call(call: PortainerCall): Promise<HttpResponse>;
}

/** A restart of Portainer refuses connections for less than this in all (2.23: 0.15 s in process, 2 s for a container). Milliseconds. */
const retryPausesMs = [250, 500, 1_500];
/** A failure that took longer was no refused connection; waiting for it again would only cost time. Milliseconds. */
const quickMs = 2_000;

const timedOutHint =
  "no administrator was made within five minutes of Portainer's start; restart its container";

export function openSession(options: PortainerOptions): PortainerSession {
  const { network, clock, user, password } = options;
  const origin = `https://${options.address}:${options.port}`;
  let token: Promise<string> | undefined;
  /** Portainer answered before in this run: when it refuses now, it is being restarted. */
  let answered = false;

  const send = async (call: PortainerCall, authorization?: string): Promise<HttpResponse> => {
    const ca = await options.root();
    const { method, path, effect, json, form, timeoutMs } = call;
    const body = json === undefined ? form?.content : JSON.stringify(json);
    const type = json === undefined ? form?.type : "application/json";
    const request: HttpRequest = {
      method,
      url: `${origin}${path}`,
      hostname: options.hostname,
      headers: {
        accept: "application/json",
        ...(type === undefined ? {} : { "content-type": type }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      ca,
      effect,
      ...(body === undefined ? {} : { body }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const pauses = effect === "read" && call.once === undefined ? [...retryPausesMs] : [];
    for (;;) {
      const started = clock.now();
      try {
        const response = await network.request(request);
        answered = true;
        return response;
      } catch (error) {
        const pause = pauses.shift();
        const quick = clock.now() - started < quickMs;
        if (!(error instanceof TransportError) || pause === undefined || !quick || !answered) throw error;
        await clock.sleep(pause);
      }
    }
  };

  const requestToken = async (): Promise<string> => {
    const response = await send({
      method: "POST",
      path: "/api/auth",
      purpose: "log in",
      effect: "read",
      json: { Username: user, Password: password.reveal() },
    });
    const jwt = response.status === 200 ? textOf(parseJson(response.text), "jwt") : "";
    if (jwt !== "") return jwt;
    throw refusal({ purpose: `log ${user} in`, hint: loginHint }, response);
  };

  const currentToken = (): Promise<string> => {
    const wanted = token ?? requestToken();
    token = wanted;
    // A login that failed is tried again by the next call, not remembered.
    wanted.catch(() => {
      if (token === wanted) token = undefined;
    });
    return wanted;
  };

  return {
    login: async () => {
      await currentToken();
    },

    open: async (call) => checked(call, await send(call)),

    call: async (call) => {
      const used = currentToken();
      const response = await send(call, `Bearer ${await used}`);
      if (response.status !== 401) return checked(call, response);
      // Every token dies when Portainer restarts. Calls side by side share the one new login.
      if (token === used) token = undefined;
      return checked(call, await send(call, `Bearer ${await currentToken()}`));
    },
  };
}

function checked(call: PortainerCall, response: HttpResponse): HttpResponse {
  const { status } = response;
  if ((status >= 200 && status < 300) || call.accept?.includes(status) === true) return response;
  throw refusal(call, response);
}

/** The error for an answer that says no, in Portainer's own words. Only its two error fields are quoted, never a body. */
export function refusal(
  { purpose, hint }: Pick<PortainerCall, "purpose" | "hint">,
  response: HttpResponse,
): ApiError {
  const { status } = response;
  const words = wordsOf(response.text);
  return new ApiError(
    status,
    `Portainer did not ${purpose}: ${words === "" ? `it answered ${status}` : words}`,
    {
      hint: isTimedOut(response) ? timedOutHint : hint?.(response),
    },
  );
}

/** Portainer waits five minutes for its first administrator, then answers 303 to everything until it is restarted. */
export function isTimedOut({ status, headers }: HttpResponse): boolean {
  return status === 303 && headers["redirect-reason"] === "AdminInitTimeout";
}

/** `message` and `details` of Portainer's errors, `message` of Docker's; one of them when they say the same. */
export function wordsOf(text: string): string {
  const answer = parseJson(text);
  const message = textOf(answer, "message").trim();
  const details = textOf(answer, "details").trim();
  if (details === "" || details === "Unauthorized") return message;
  if (message === "") return details;
  // Most errors have nothing more to say: their details are the message again, with a capital.
  return message.toLowerCase() === details.toLowerCase() ? message : `${message}: ${details}`;
}

function loginHint({ status }: HttpResponse): string | undefined {
  if (status === 422) return "the password in the configuration is not the stored one";
  if (status === 403)
    return "after more than ten quick logins Portainer refuses an address for an hour; restarting its container ends that";
  return undefined;
}
