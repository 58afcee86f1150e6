/**
 * What Traefik would take without a word and then serve wrongly, or not at all: found before anything is written. It has
 * no checker of its own for dynamic configuration, so the checks that its behaviour calls for are here.
 */

import { type Fields, fieldNamed, loadBalancerFields, middlewareFields } from "./fields.ts";
import { entryPoint, type MeshRoute, membersOf, parsed, sentinel } from "./index.ts";
import { readRule } from "./rule.ts";

export interface RouteFault {
  /** The route it is about. */
  readonly route: string;
  readonly message: string;
}

/** What is wrong with routes, each by itself and all together. */
export function routeFaults(routes: readonly MeshRoute[]): readonly RouteFault[] {
  const faults: RouteFault[] = [];
  const ids = new Map<string, MeshRoute>();
  const rules = new Map<string, string>();
  const middlewares = new Map<string, string>();
  for (const route of routes) {
    const { id, rule, priority = 0 } = route;
    const say = (message: string): void => void faults.push({ route: id, message });
    if (ids.has(id) || id === sentinel.router) say(`there is another route ${id}`);
    ids.set(id, route);
    // A name with "@" belongs to another provider.
    if (/[@\s]/.test(id) || id === "") say(`${JSON.stringify(id)} cannot name a route`);
    for (const fault of readRule(rule).faults) say(fault);
    const key = `${rule.replace(/\s+/g, "")} ${priority}`;
    const before = rules.get(key);
    if (before !== undefined)
      say(`it has the rule and the priority of ${before}: which one wins would change from reload to reload`);
    rules.set(key, before ?? id);
    for (const { name, options } of route.middlewares) {
      const text = JSON.stringify(options);
      if ((middlewares.get(name) ?? text) !== text) say(`middleware ${name} has other options elsewhere`);
      middlewares.set(name, text);
      if (!name.includes("@"))
        for (const fault of middlewareFaults(options)) say(`middleware ${name}: ${fault}`);
    }
    const { servers: _, ...balancer } = route.loadBalancer;
    for (const fault of unknownFields(balancer, loadBalancerFields)) say(`load balancer: ${fault}`);
  }
  return faults;
}

function middlewareFaults(options: Readonly<Record<string, unknown>>): readonly string[] {
  const [kind, ...more] = Object.keys(options);
  if (kind === undefined) return ["it has no kind"];
  if (more.length > 0) return [`it is of two kinds: ${kind}, ${more.join(", ")}`];
  return unknownFields(options, middlewareFields);
}

/** Fields that some version 3 would refuse the whole file for, and empty maps, which every version does. */
function unknownFields(value: Readonly<Record<string, unknown>>, known: Fields): readonly string[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const kind = known[fieldNamed(known, name) ?? ""];
    if (kind === undefined) return [`not every Traefik 3 knows a field ${name}`];
    const inner = membersOf(member);
    const empty = Object.keys(inner).length === 0 && typeof member === "object" && !Array.isArray(member);
    if (empty && !mayBeEmpty.has(name.toLowerCase())) return [`${name} is empty`];
    return typeof kind === "object" ? unknownFields(inner, kind) : [];
  });
}

/** Fields that mean something without any member (measured). */
const mayBeEmpty: ReadonlySet<string> = new Set(["compress", "sticky", "cookie", "grpcweb", "contenttype"]);

/** What is wrong with a whole configuration: what points nowhere, and services that lead back to themselves. */
export function configurationFaults(text: string): readonly string[] {
  const { http } = parsed(text);
  const { routers, services, middlewares, serversTransports } = membersOf(http);
  const sections = Object.entries(membersOf(http));
  if (sections.length === 0) return ["it is empty: every route would vanish"];
  const faults = sections
    .filter(([, section]) => Object.keys(membersOf(section)).length === 0)
    .map(([name]) => `the section ${name} is empty`);
  for (const [name, value] of Object.entries(membersOf(routers))) {
    const router = membersOf(value);
    const service = String(router.service ?? "");
    if (!service.includes("@") && !Object.hasOwn(membersOf(services), service))
      faults.push(`router ${name} leads to service ${service}, which is not there`);
    for (const used of listOf(router.middlewares))
      if (!used.includes("@") && !Object.hasOwn(membersOf(middlewares), used))
        faults.push(`router ${name} uses middleware ${used}, which is not there`);
    for (const point of listOf(router.entryPoints))
      if (point !== entryPoint) faults.push(`router ${name} is on entry point ${point}, which is not there`);
    // On a plain entry point it would match TLS connections only: enabled, and 404 for everybody.
    if (router.tls !== undefined) faults.push(`router ${name} asks for TLS, which ends at the gateway`);
  }
  for (const [name, value] of Object.entries(membersOf(services))) {
    const balancer = membersOf(membersOf(value).loadBalancer);
    const transport = balancer.serversTransport;
    if (typeof transport === "string" && !transport.includes("@"))
      if (!Object.hasOwn(membersOf(serversTransports), transport))
        faults.push(`service ${name} uses transport ${transport}, which is not there`);
    // 3.0.4 and 3.6.0 eat a gigabyte of memory a second over such a service.
    const cycle = cycleFrom(membersOf(services), name, []);
    if (cycle !== undefined) faults.push(`service ${name} leads back to itself: ${cycle.join(" -> ")}`);
  }
  return faults;
}

function cycleFrom(
  services: Readonly<Record<string, unknown>>,
  name: string,
  within: readonly string[],
): readonly string[] | undefined {
  if (within.includes(name)) return name === within[0] ? [...within, name] : undefined;
  for (const inner of innerServices(membersOf(services[name]))) {
    const found = cycleFrom(services, inner.replace(/@file$/, ""), [...within, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The services that a service spreads its requests over. */
function innerServices(service: Readonly<Record<string, unknown>>): readonly string[] {
  const [weighted, mirroring, failover, hashed] = [
    "weighted",
    "mirroring",
    "failover",
    "highestRandomWeight",
  ].map((kind) => membersOf(service[kind]));
  const listed = [weighted?.services, hashed?.services, mirroring?.mirrors].flatMap((list) =>
    Array.isArray(list) ? list.map((each) => membersOf(each).name) : [],
  );
  return [mirroring?.service, failover?.service, failover?.fallback, ...listed].filter(
    (name) => typeof name === "string",
  );
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
