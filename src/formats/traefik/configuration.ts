/**
 * A whole file for the mesh's Traefik, judged before it is written: what 3.0.4 or 3.7.15 would refuse, and the whole
 * directory with it; what they would load and disable; and what would never answer. Traefik has no checker of its own.
 */
import { parseAllDocuments } from "yaml";
import type { Fault } from "../fault.ts";
import {
  isObject,
  type JsonObject,
  listOf,
  member,
  membersOf,
  objectsOf,
  parseJson,
  textOf,
} from "../json/index.ts";
import {
  fieldFaults,
  loadBalancerFields,
  routerFields,
  serverFields,
  shareFields,
  spreadFields,
  transportFields,
} from "./fields.ts";
import { entryPoint } from "./index.ts";
import { middlewareFaults } from "./middlewares.ts";
import { readRule } from "./rule.ts";

/** What the other files of the watched directory declare, and the static configuration. */
export interface DeclaredElsewhere {
  readonly middlewares: readonly string[];
  readonly serversTransports: readonly string[];
  /** Plugins by the names that middlewares use. */
  readonly plugins: readonly string[];
}

const nothingElsewhere: DeclaredElsewhere = { middlewares: [], serversTransports: [], plugins: [] };

type Say = (message: string, hint?: string) => void;

/** Faults of a file, in the order of its sections. */
export function configurationFaults(text: string, elsewhere = nothingElsewhere): readonly Fault[] {
  const faults: Fault[] = [];
  const say: Say = (message, hint) => void faults.push(hint === undefined ? { message } : { message, hint });
  const root = rootOf(text, say);
  if (faults.length > 0) return faults;
  const http = withoutNull(membersOf(root).http);
  if (Object.keys(http).length === 0) {
    say("it is empty: every route would disappear");
    return faults;
  }
  for (const [name, section] of Object.entries(http)) {
    if (!sections.includes(name)) say(`unknown section ${JSON.stringify(name)}`);
    else if (Object.keys(membersOf(section)).length === 0) say(`the section ${name} is empty`);
  }
  const declared: Declared = { http, elsewhere, say };
  for (const [name, router] of Object.entries(withoutNull(http.routers)))
    routerFaults(name, membersOf(router), declared);
  for (const [name, middleware] of Object.entries(withoutNull(http.middlewares)))
    judgeMiddleware(name, membersOf(middleware), declared);
  for (const [name, service] of Object.entries(withoutNull(http.services)))
    serviceFaults(name, membersOf(service), declared);
  for (const [name, transport] of Object.entries(withoutNull(http.serversTransports)))
    for (const { message } of fieldFaults(membersOf(transport), transportFields))
      say(`transport ${name}: ${message}`);
  return faults;
}

const sections = ["routers", "services", "middlewares", "serversTransports"];

/** The names that a file declares of each kind. */
export function declaredNames(
  text: string,
): Readonly<Record<"middlewares" | "serversTransports", readonly string[]>> {
  const http = membersOf(membersOf(rootOf(text, () => undefined)).http);
  const names = (section: string): readonly string[] => Object.keys(withoutNull(http[section]));
  return { middlewares: names("middlewares"), serversTransports: names("serversTransports") };
}

interface Declared {
  readonly http: JsonObject;
  readonly elsewhere: DeclaredElsewhere;
  readonly say: Say;
}

/** The file's value; each reason why Traefik cannot read it is said. */
function rootOf(text: string, say: Say): unknown {
  // Our own files are JSON, which is read a hundred times faster as JSON than as YAML.
  const json = parseJson(text);
  if (json !== undefined) return json;
  if (text.includes("{{")) {
    say("it is a template, which Traefik would evaluate");
    return undefined;
  }
  const documents = parseAllDocuments(text, { merge: true });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  const [error] = document?.errors ?? [];
  if (error !== undefined) say(`invalid YAML: ${error.message.split("\n", 1)[0]}`);
  const value: unknown = error === undefined ? document?.toJS() : undefined;
  if (value !== undefined && value !== null && !isObject(value)) say("it is not a mapping");
  return value;
}

function routerFaults(name: string, router: JsonObject, { http, elsewhere, say }: Declared): void {
  const where = `router ${name}`;
  for (const { message } of fieldFaults(router, routerFields)) say(`${where}: ${message}`);
  const service = textOf(router, "service");
  if (service === "") say(`${where} has no service`);
  else if (!isDeclared(service, membersOf(http.services), []))
    say(`${where} leads to service ${service}, which does not exist`);
  for (const { message, hint } of readRule(String(router.rule ?? "")).faults)
    say(`${where}: ${message}`, hint);
  for (const used of namesOf(router, "middlewares"))
    if (!isDeclared(used, membersOf(http.middlewares), elsewhere.middlewares))
      say(`${where} uses middleware ${used}, which does not exist`);
  for (const point of namesOf(router, "entryPoints"))
    if (point !== entryPoint) say(`${where} is on entry point ${point}, which does not exist`);
  // On a plain entry point it would match TLS connections only: enabled, and 404 for everyone.
  if (router.tls !== undefined && router.tls !== null)
    say(`${where} asks for TLS, which ends at the gateway`);
}

function judgeMiddleware(name: string, options: JsonObject, { http, elsewhere, say }: Declared): void {
  const given = withoutNull(options);
  for (const { message, hint } of middlewareFaults(given)) say(`middleware ${name}: ${message}`, hint);
  const middlewares = membersOf(http.middlewares);
  for (const used of namesOf(given.chain, "middlewares"))
    if (!isDeclared(used, middlewares, elsewhere.middlewares))
      say(`middleware ${name} uses middleware ${used}, which does not exist`);
  const cycle = cycleFrom(middlewares, name, (each) => namesOf(each.chain, "middlewares"));
  if (cycle !== undefined) say(`middleware ${name} leads back to itself: ${cycle.join(" -> ")}`);
  const service = member(given.errors, "service");
  if (typeof service === "string" && service !== "" && !isDeclared(service, membersOf(http.services), []))
    say(`middleware ${name} uses service ${service}, which does not exist`);
  for (const plugin of Object.keys(membersOf(given.plugin)))
    if (!elsewhere.plugins.includes(plugin))
      say(`middleware ${name} uses plugin ${plugin}, which the static configuration does not declare`);
}

function serviceFaults(name: string, service: JsonObject, declared: Declared): void {
  const { http, say } = declared;
  const where = `service ${name}`;
  const services = membersOf(http.services);
  const [type, ...more] = Object.keys(withoutNull(service));
  if (type === undefined) say(`${where} has no type`);
  if (more.length > 0) say(`${where} has several types: ${type}, ${more.join(", ")}`);
  if (type === "loadBalancer") balancerFaults(where, service.loadBalancer, declared);
  else if (type !== undefined)
    for (const { message } of fieldFaults(service, spreadFields)) say(`${where}: ${message}`);
  for (const share of sharesOf(service))
    for (const { message } of fieldFaults(share, shareFields)) say(`${where}: ${message}`);
  for (const inner of innerServices(service))
    if (!isDeclared(inner, services, [])) say(`${where} leads to service ${inner}, which does not exist`);
  // Such a service costs 3.0.4 and 3.6.0 a gigabyte of memory a second.
  const cycle = cycleFrom(services, name, innerServices);
  if (cycle !== undefined) say(`${where} leads back to itself: ${cycle.join(" -> ")}`);
  if (service.failover !== undefined && textOf(service.failover, "fallback") === "")
    say(`${where} has no fallback`);
  const watched = textOf(service.failover, "service").replace(/@file$/, "");
  if (
    service.failover !== undefined &&
    member(member(services[watched], "loadBalancer"), "healthCheck") === undefined
  )
    say(`${where} falls over from ${watched}, which has no health check`);
}

function balancerFaults(where: string, value: unknown, { http, elsewhere, say }: Declared): void {
  const { servers, ...balancer } = membersOf(value);
  const given = withoutNull(balancer);
  if (servers === undefined || Object.keys(given).length > 0)
    for (const { message } of fieldFaults({ loadBalancer: given }, { loadBalancer: loadBalancerFields }))
      say(`${where}: ${message}`);
  for (const server of objectsOf(servers)) {
    const url = textOf(server, "url");
    for (const { message } of fieldFaults(server, serverFields)) say(`${where}: ${message}`);
    if (!isServerUrl(url)) say(`${where}: ${JSON.stringify(url)} is not a valid URL of a server`);
  }
  const { serversTransport: transport } = balancer;
  if (typeof transport !== "string" || /^(?:default@internal)?$/.test(transport)) return;
  if (!isDeclared(transport, membersOf(http.serversTransports), elsewhere.serversTransports))
    say(`${where} uses transport ${transport}, which does not exist`);
}

/** A scheme that Traefik connects by, a host, and perhaps a port. */
function isServerUrl(url: string): boolean {
  const [, host = ""] =
    /^(?:https?|h2c):\/\/(\[[\da-f:.]+\]|[^/:?#\s[\]{}|^`\\<>"%]+)(?::\d*)?(?:[/?#]\S*)?$/i.exec(url) ?? [];
  return host !== "" && URL.canParse(`http://${host}/`);
}

/** A name of this file, of another one of the directory, or of Traefik itself. The mesh has no other provider. */
function isDeclared(name: string, own: JsonObject, elsewhere: readonly string[]): boolean {
  const [plain = "", provider = "file"] = name.split("@");
  if (provider !== "file") return provider === "internal";
  return (own[plain] !== undefined && own[plain] !== null) || elsewhere.includes(plain);
}

/** A list of names, or one text with commas. */
function namesOf(value: unknown, key: string): readonly string[] {
  const names = member(value, key);
  return typeof names === "string" ? names.split(",").map((name) => name.trim()) : listOf(names);
}

function cycleFrom(
  all: JsonObject,
  name: string,
  next: (value: JsonObject) => readonly string[],
  within: readonly string[] = [],
): readonly string[] | undefined {
  if (within.includes(name)) return name === within[0] ? [...within, name] : undefined;
  for (const inner of next(membersOf(all[name]))) {
    const found = cycleFrom(all, inner.replace(/@file$/, ""), next, [...within, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The services that a service spreads its requests over. */
function innerServices(service: JsonObject): readonly string[] {
  const { mirroring, failover } = service;
  return [
    textOf(mirroring, "service"),
    textOf(failover, "service"),
    textOf(failover, "fallback"),
    ...sharesOf(service).map((share) => textOf(share, "name")),
  ].filter((name) => name !== "");
}

function sharesOf({ weighted, mirroring, highestRandomWeight }: JsonObject): readonly JsonObject[] {
  return [
    ...objectsOf(member(weighted, "services")),
    ...objectsOf(member(highestRandomWeight, "services")),
    ...objectsOf(member(mirroring, "mirrors")),
  ];
}

/** Members that are null are not there. */
function withoutNull(value: unknown): JsonObject {
  return Object.fromEntries(Object.entries(membersOf(value)).filter(([, each]) => each !== null));
}
