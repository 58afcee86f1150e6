/**
 * What Traefik would accept silently and then serve wrongly, or not at all: found before anything is written. Traefik has no
 * checker for dynamic configuration, so the checks that its behaviour calls for are here.
 */

import type { FaultAt } from "../fault.ts";
import { fieldFaults, loadBalancerFields } from "./fields.ts";
import { type MeshRoute, sentinel } from "./index.ts";
import { middlewareFaults } from "./middlewares.ts";
import { readRule } from "./rule.ts";

/** Faults of routes, each by itself and all together; a fault's place is the route's id. */
export function routeFaults(routes: readonly MeshRoute[]): readonly FaultAt<string>[] {
  const faults: FaultAt<string>[] = [];
  const ids = new Map<string, MeshRoute>();
  const rules = new Map<string, string>();
  const middlewares = new Map<string, string>();
  for (const route of routes) {
    const { id, rule, priority = 0 } = route;
    const say = (message: string): void => void faults.push({ message, place: id });
    if (ids.has(id) || id === sentinel.router) say(`another route has the name ${id}`);
    ids.set(id, route);
    // A name with "@" belongs to another provider.
    if (/[@\s]/.test(id) || id === "") say(`${JSON.stringify(id)} is not a valid name for a route`);
    for (const fault of readRule(rule).faults) say(fault.message);
    const key = `${rule.replace(/\s+/g, "")} ${priority}`;
    const before = rules.get(key);
    if (before !== undefined)
      say(`${before} has the same rule and priority: which one is used would change from reload to reload`);
    rules.set(key, before ?? id);
    for (const { name, options } of route.middlewares) {
      const text = JSON.stringify(options);
      if ((middlewares.get(name) ?? text) !== text) say(`middleware ${name} has other options elsewhere`);
      middlewares.set(name, text);
      if (!name.includes("@"))
        for (const { message } of middlewareFaults(options)) say(`middleware ${name}: ${message}`);
    }
    const { servers: _, ...balancer } = route.loadBalancer;
    for (const { message } of fieldFaults(balancer, loadBalancerFields)) say(`load balancer: ${message}`);
  }
  return faults;
}
