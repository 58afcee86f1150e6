/**
 * An agent among those of a Swarm (agent 2.23): it finds the others by the DNS name of their service, hands what concerns the
 * Swarm to one on a manager, gathers lists from all of them, and leaves the rest to the node that a header names.
 */
import { resolve4 } from "node:dns/promises";
import type { IncomingHttpHeaders } from "node:http";
import { exchange } from "../../lab/portainer/exchange.ts";

/** An agent's node, as it tells the others. */
export interface Member {
  readonly name: string;
  readonly manager: boolean;
  readonly address: string;
}

/** Where a request is carried out. */
export type Place = "here" | "everywhere" | Member | { readonly refused: string; readonly details: string };

/** Asked by other agents: who this one is. Theirs gossip instead (serf). */
export const memberPath = "/testbed/member";

const agentPort = 9001;
const memberMs = 1_000;

const ofManagers = /^\/(?:services|tasks|secrets|configs|swarm|info|nodes)(?:\/|$)/;
const ofEveryNode = /^\/(?:containers\/json|images\/json|volumes|networks)$/;

/**
 * @param path without the API's version
 * @param own this agent's node
 * @param others asked only when another node may be meant
 */
export async function placeOf(
  {
    method,
    path,
    headers,
  }: { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders },
  own: () => Promise<Pick<Member, "name" | "manager">>,
  others: () => Promise<readonly Member[]>,
): Promise<Place> {
  const target = headers["x-portaineragent-target"];
  if (headers["x-portaineragent-manageroperation"] !== undefined || ofManagers.test(path)) {
    if ((await own()).manager) return "here";
    const manager = (await others()).find((each) => each.manager);
    return (
      manager ?? {
        refused: "The agent was unable to contact any other agent located on a manager node",
        details: "Unable to find an agent on any manager node",
      }
    );
  }
  if (target === undefined) return method === "GET" && ofEveryNode.test(path) ? "everywhere" : "here";
  if (target === (await own()).name) return "here";
  const named = (await others()).find(({ name }) => name === target);
  return (
    named ?? {
      refused: "The agent was unable to contact any other agent",
      details: "Unable to find the targeted agent",
    }
  );
}

/** Every agent of the service that answers. */
export async function membersAt(service: string): Promise<readonly Member[]> {
  const addresses = (await resolve4(service)).sort();
  const asked = addresses.map(async (host): Promise<Member[]> => {
    try {
      const { status, body = "" } = await exchange({
        secure: true,
        ...{ host, port: agentPort, method: "GET", path: memberPath },
        content: "",
        timeoutMs: memberMs,
      });
      return status === 200 ? [{ ...JSON.parse(String(body)), address: host }] : [];
    } catch {
      // Its node is down, or it starts.
      return [];
    }
  });
  return (await Promise.all(asked)).flat();
}

/** The same list from every member as one, each item with the name of its node; who does not answer is left out. */
export async function gathered(
  url: string,
  headers: IncomingHttpHeaders,
  members: readonly Member[],
): Promise<unknown> {
  const answers = await Promise.all(members.map((member) => listOf(member, url, headers)));
  const items = answers.flatMap(({ list }) => list);
  return answers.some(({ volumes }) => volumes) ? { Volumes: items, Warnings: null } : items;
}

async function listOf(
  { name, address }: Member,
  path: string,
  headers: IncomingHttpHeaders,
): Promise<{ readonly list: readonly unknown[]; readonly volumes: boolean }> {
  try {
    const { status, body = "" } = await exchange({
      secure: true,
      ...{ host: address, port: agentPort, method: "GET", path },
      headers: { ...headers, connection: "close", "x-portaineragent-target": name },
      content: "",
      timeoutMs: 30_000,
    });
    const value: unknown = status === 200 ? JSON.parse(String(body)) : [];
    const volumes = typeof value === "object" && value !== null && "Volumes" in value;
    const found: unknown = volumes ? value.Volumes : value;
    const list = Array.isArray(found) ? found : [];
    return {
      volumes,
      list: list.map((each: object) => ({ ...each, Portainer: { Agent: { NodeName: name } } })),
    };
  } catch {
    return { list: [], volumes: false };
  }
}
