/** Routers as Traefik's own API reports them, where it can be reached. */

import type { Io } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { roleOf } from "../../fabric/declared.ts";
import { ports } from "../../fabric/ports.ts";
import { listOf, membersOf, parseJson } from "../../formats/json/index.ts";

export interface SeenRouter {
  readonly status: string;
  readonly errors: readonly string[];
  readonly rule: string;
  readonly service: string;
}

/** Routers from files by name; undefined when the API does not answer: it may be off, or closed to the hypervisor. */
export async function apiRouters(io: Io): Promise<ReadonlyMap<string, SeenRouter> | undefined> {
  const routers = new Map<string, SeenRouter>();
  try {
    for (let page = 1; page > 0; ) {
      const { status, text, headers } = await io.network.request({
        method: "GET",
        url: `http://${roleOf(io.site, "mesh").address}:${ports.meshApi}/api/http/routers?per_page=1000&page=${page}`,
        effect: "read",
        timeoutMs: 3_000,
      });
      const list: unknown = status === 200 ? parseJson(text) : undefined;
      if (!Array.isArray(list)) return unreachable(io, `it answers ${status}`);
      for (const each of list.map(membersOf)) {
        const [name = "", provider] = String(each.name ?? "").split("@");
        if (provider !== "file") continue;
        routers.set(name, {
          status: String(each.status ?? ""),
          errors: listOf(each.error),
          rule: String(each.rule ?? ""),
          service: String(each.service ?? ""),
        });
      }
      // The last page names the first as the next one.
      const next = Number(headers["x-next-page"] ?? 1);
      page = next > page ? next : 0;
    }
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return unreachable(io, error.message);
  }
  return routers;
}

function unreachable(io: Io, why: string): undefined {
  io.note(
    `the mesh's API at ${roleOf(io.site, "mesh").address}:${ports.meshApi} did not list its routers (${why}): they were verified by requests only`,
  );
  return undefined;
}
