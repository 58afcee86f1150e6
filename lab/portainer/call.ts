/** What every route of the simulated Portainer is handed, and how it answers. */
import type { Clock } from "../../src/component.ts";
import { type ApiRequest, type ApiResponse, json } from "../api-server.ts";
import type { DatabaseFile, User } from "./database.ts";
import type { Engines } from "./engines.ts";
import type { Features } from "./features.ts";
import type { Sessions } from "./sessions.ts";

/** The running process: what it would hold in memory, and its data directory. */
export interface PortainerProcess {
  readonly features: Features;
  readonly database: DatabaseFile;
  /** The real path of its data directory. */
  readonly directory: string;
  readonly engines: Engines;
  readonly sessions: Sessions;
  readonly clock: Clock;
  /** Its environment: variables of compose files come from here first. */
  readonly variables: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What the first administrator must know, from 2.43 on. */
  readonly setupToken: string | undefined;
  /** One deployment at a time, on all engines together. */
  readonly deployments: Queue;
  /** Starts the process anew inside the container, as a new certificate does. */
  readonly restart: () => void;
}

export interface Call {
  readonly process: PortainerProcess;
  readonly request: ApiRequest;
  /** What the route's pattern caught. */
  readonly params: readonly string[];
  /** Whoever is logged in; on public routes nobody. */
  readonly user: User | undefined;
  /** The request came with an API key. */
  readonly byKey: boolean;
}

export interface Route {
  readonly method: string;
  /** Without /api. */
  readonly pattern: RegExp;
  readonly access: "public" | "user";
  readonly act: (call: Call) => ApiResponse | undefined | Promise<ApiResponse | undefined>;
}

/** Answers as its API spells them: an expected failure. */
export class Problem extends Error {
  readonly status: number;
  readonly details: string;

  constructor(status: number, message: string, details = message) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

export function problem({ status, message, details }: Problem): ApiResponse {
  return json(status, { message, details: details.charAt(0).toUpperCase() + details.slice(1) });
}

/** What Portainer answers to a body that it does not take (2.23, httperror.BadRequest of its payloads). */
export function invalidPayload(details: string): Problem {
  return new Problem(400, "Invalid request payload", details);
}

export const noContent: ApiResponse = { status: 204 };

/** The request's JSON object; Go finds its members whatever their case. @throws Problem 400 */
export function payloadOf({ request }: Pick<Call, "request">): (name: string) => unknown {
  let value: unknown;
  try {
    value = JSON.parse(request.body.toString() || "null");
  } catch (error) {
    throw invalidPayload(jsonWords(error));
  }
  if (typeof value !== "object" || value === null) throw invalidPayload("EOF");
  const members = new Map(Object.entries(value).map(([name, each]) => [name.toLowerCase(), each as unknown]));
  return (name) => members.get(name.toLowerCase());
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Go's words for invalid JSON. */
export function jsonWords(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  const token = /Unexpected token '?(.)'?/.exec(words)?.[1];
  return token === undefined
    ? "unexpected EOF"
    : `invalid character '${token}' looking for beginning of value`;
}

/** A whole number of the query. @throws Problem 400 */
export function numberInQuery({ request }: Call, name: string): number {
  const text = request.query.get(name) ?? "";
  const message = `Invalid query parameter: ${name}`;
  if (text === "") throw new Problem(400, message, "missing query parameter");
  return wholeNumber(text, message);
}

/** The number in a route. @param what "stack" @throws Problem 400 */
export function numberInRoute({ params }: Pick<Call, "params">, what: string): number {
  return wholeNumber(params[0] ?? "", `Invalid ${what} identifier route variable`);
}

function wholeNumber(text: string, message: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new Problem(400, message, `strconv.Atoi: parsing "${text}": invalid syntax`);
}

export function notFound(message: string, bucket: string, key: number): Problem {
  return new Problem(404, message, `Object not found inside the database (bucket=${bucket}, key=${key})`);
}

/** Work that is done one after the other. */
export interface Queue {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run: (work) => {
      const next = last.then(work, work);
      last = next.catch(() => {});
      return next;
    },
  };
}
