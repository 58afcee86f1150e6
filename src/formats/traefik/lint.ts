/**
 * What Traefik would accept silently and then serve wrongly, or not at all: found before anything is written. Traefik has no
 * checker for dynamic configuration, so the checks that its behaviour calls for are here.
 */

import type { FaultAt } from "../fault.ts";
import { type JsonObject, listOf, member, membersOf, objectsOf, textOf } from "../json/index.ts";
import { type Fields, fieldNamed, loadBalancerFields, middlewareFields } from "./fields.ts";
import { entryPoint, type MeshRoute, parseConfiguration, sentinel } from "./index.ts";
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
        for (const fault of middlewareFaults(options)) say(`middleware ${name}: ${fault}`);
    }
    const { servers: _, ...balancer } = route.loadBalancer;
    for (const fault of unknownFields(balancer, loadBalancerFields)) say(`load balancer: ${fault}`);
  }
  return faults;
}

function middlewareFaults(options: JsonObject): readonly string[] {
  const [kind, ...more] = Object.keys(options);
  if (kind === undefined) return ["it has no type"];
  if (more.length > 0) return [`it has several types: ${kind}, ${more.join(", ")}`];
  return unknownFields(options, middlewareFields);
}

/** Fields for which some version 3 would refuse the whole file, and empty mappings, which every version refuses. */
function unknownFields(value: JsonObject, known: Fields): readonly string[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const kind = known[fieldNamed(known, name) ?? ""];
    if (kind === undefined) return [`not every Traefik 3 knows the field ${name}`];
    const inner = membersOf(member);
    const empty = Object.keys(inner).length === 0 && typeof member === "object" && !Array.isArray(member);
    if (empty && !mayBeEmpty.has(name.toLowerCase())) return [`${name} is empty`];
    return typeof kind === "object" ? unknownFields(inner, kind) : [];
  });
}

/** Fields that have a meaning without any member (measured). */
const mayBeEmpty: ReadonlySet<string> = new Set(["compress", "sticky", "cookie", "grpcweb", "contenttype"]);

/** Faults of a whole configuration: dangling references, and services that lead back to themselves. */
export function configurationFaults(text: string): readonly string[] {
  const { http } = parseConfiguration(text);
  const { routers, services, middlewares, serversTransports } = membersOf(http);
  const sections = Object.entries(membersOf(http));
  if (sections.length === 0) return ["it is empty: every route would disappear"];
  const faults = sections
    .filter(([, section]) => Object.keys(membersOf(section)).length === 0)
    .map(([name]) => `the section ${name} is empty`);
  for (const [name, value] of Object.entries(membersOf(routers))) {
    const router = membersOf(value);
    const service = textOf(router, "service");
    if (!service.includes("@") && !Object.hasOwn(membersOf(services), service))
      faults.push(`router ${name} leads to service ${service}, which does not exist`);
    for (const used of listOf(router.middlewares))
      if (!used.includes("@") && !Object.hasOwn(membersOf(middlewares), used))
        faults.push(`router ${name} uses middleware ${used}, which does not exist`);
    for (const point of listOf(router.entryPoints))
      if (point !== entryPoint)
        faults.push(`router ${name} is on entry point ${point}, which does not exist`);
    // On a plain entry point it would match TLS connections only: enabled, and 404 for everyone.
    if (router.tls !== undefined) faults.push(`router ${name} asks for TLS, which ends at the gateway`);
  }
  for (const [name, value] of Object.entries(membersOf(services))) {
    const balancer = membersOf(membersOf(value).loadBalancer);
    const transport = balancer.serversTransport;
    if (typeof transport === "string" && !transport.includes("@"))
      if (!Object.hasOwn(membersOf(serversTransports), transport))
        faults.push(`service ${name} uses transport ${transport}, which does not exist`);
    // Such a service costs 3.0.4 and 3.6.0 a gigabyte of memory a second.
    const cycle = cycleFrom(membersOf(services), name, []);
    if (cycle !== undefined) faults.push(`service ${name} leads back to itself: ${cycle.join(" -> ")}`);
  }
  return faults;
}

function cycleFrom(
  services: JsonObject,
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
function innerServices(service: JsonObject): readonly string[] {
  const { weighted, mirroring, failover, highestRandomWeight } = service;
  const listed = [
    ...objectsOf(member(weighted, "services")),
    ...objectsOf(member(highestRandomWeight, "services")),
    ...objectsOf(member(mirroring, "mirrors")),
  ];
  return [
    textOf(mirroring, "service"),
    textOf(failover, "service"),
    textOf(failover, "fallback"),
    ...listed.map((each) => textOf(each, "name")),
  ].filter((name) => name !== "");
}
