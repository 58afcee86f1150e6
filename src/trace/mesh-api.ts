/** What Traefik's API says of everything that it runs, in one answer (`/api/rawdata`, 3.0.4 and 3.7.15). */
import { ports } from "../fabric/ports.ts";
import { listOf, member, membersOf, numberOf, objectsOf, parseJson, textOf } from "../formats/json/index.ts";
import type { Answer, Facts } from "./facts.ts";

interface SeenObject {
  /** With its provider: "wiki@file". */
  readonly name: string;
  readonly status: string;
  readonly errors: readonly string[];
}

export interface SeenRouter extends SeenObject {
  readonly rule: string;
  readonly service: string;
  readonly entryPoints: readonly string[];
  readonly middlewares: readonly string[];
  readonly priority: number;
}

export interface SeenService extends SeenObject {
  readonly urls: readonly string[];
  /** "UP" or "DOWN" by URL, where Traefik looks itself. */
  readonly states: ReadonlyMap<string, string>;
}

export interface MeshState {
  readonly routers: ReadonlyMap<string, SeenRouter>;
  readonly services: ReadonlyMap<string, SeenService>;
  readonly middlewares: ReadonlyMap<string, SeenObject>;
}

/** Once for all ways of one trace. */
export async function meshState(facts: Facts): Promise<Answer<MeshState>> {
  const address = facts.site.roles.mesh?.address ?? "";
  const seen = await facts.request(`http://${address}:${ports.meshApi}/api/rawdata`);
  if (!("value" in seen)) return seen;
  const { status, text } = seen.value;
  const found = status === 200 ? parseJson(text) : undefined;
  if (found === undefined) return { fault: `it answers ${status}` };
  return { value: stateIn(found) };
}

function stateIn(found: unknown): MeshState {
  const objects = <T>(kind: string, read: (value: unknown, base: SeenObject) => T): ReadonlyMap<string, T> =>
    new Map(
      Object.entries(membersOf(member(found, kind))).map(([name, value]) => {
        const errors = listOf(member(value, "error"));
        // Of an object that works it says nothing in some versions.
        const base = { name, status: textOf(value, "status") || "enabled", errors };
        return [name, read(value, base)];
      }),
    );
  return {
    routers: objects("routers", (value, base) => ({
      ...base,
      rule: textOf(value, "rule"),
      service: textOf(value, "service"),
      entryPoints: [...new Set([...listOf(member(value, "entryPoints")), ...listOf(member(value, "using"))])],
      middlewares: listOf(member(value, "middlewares")),
      // Without a priority of its own a router has the length of its rule.
      priority: numberOf(value, "priority") || textOf(value, "rule").length,
    })),
    services: objects("services", (value, base) => ({
      ...base,
      urls: objectsOf(member(member(value, "loadBalancer"), "servers")).map((server) =>
        textOf(server, "url"),
      ),
      states: new Map(
        Object.entries(membersOf(member(value, "serverStatus"))).map(([url, state]) => [url, String(state)]),
      ),
    })),
    middlewares: objects("middlewares", (_, base) => base),
  };
}
