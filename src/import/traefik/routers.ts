/** Routers of Traefik with everything that they lead through, from dynamic files or from its API. Pure. */
import { defined } from "../../defined.ts";
import { type JsonObject, member, membersOf, objectsOf, textOf } from "../../formats/json/index.ts";
import { sentinel } from "../../formats/traefik/index.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { Backend, Middleware } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundRouter } from "../found/web.ts";
import type { Source } from "../found.ts";
import { namesIn } from "./static.ts";

/** What one Traefik declares of a kind, by name; names of other providers have their "@provider". */
export interface Declarations {
  readonly routers: JsonObject;
  readonly services: JsonObject;
  readonly middlewares: JsonObject;
  readonly transports: JsonObject;
  /** Options of TLS, which may demand a client's certificate. */
  readonly tlsOptions: JsonObject;
}

export interface RouterContext {
  readonly host: GuestName;
  readonly provider: FoundRouter["provider"];
  readonly isOurs: boolean;
  readonly defaultEntryPoints: readonly string[];
  readonly sourceOf: (router: string) => Source;
}

/** The routers of `declared.routers` that lead to a backend: Traefik's own are left out. */
export function foundRouters(declared: Declarations, context: RouterContext): readonly FoundRouter[] {
  return Object.entries(declared.routers).flatMap(([name, value]) => {
    const router = membersOf(value);
    if (name === sentinel.router || /@internal$/.test(textOf(router, "service")) || /@internal$/.test(name))
      return [];
    return [routerOf(name, router, declared, context)];
  });
}

function routerOf(
  name: string,
  router: JsonObject,
  declared: Declarations,
  { host, provider, isOurs, defaultEntryPoints, sourceOf }: RouterContext,
): FoundRouter {
  const rule = textOf(router, "rule");
  const { hosts, faults } = readRule(rule);
  const entryPoints = namesIn(router.entryPoints);
  const served = backendsOf(textOf(router, "service"), declared);
  const options = textOf(router.tls, "options");
  const remarks = [
    ...faults.map(({ message }) => message),
    ...served.remarks,
    ...(demandsCertificate(options === "" ? "default" : options, declared) && hasTls(router)
      ? ["it demands a client's certificate"]
      : []),
  ];
  return defined({
    host,
    name: plainName(name),
    provider,
    rule,
    names: hosts,
    entryPoints: entryPoints.length === 0 ? defaultEntryPoints : entryPoints,
    hasTls: hasTls(router),
    priority: typeof router.priority === "number" && router.priority > 0 ? router.priority : undefined,
    middlewares: namesIn(router.middlewares).flatMap((each) => middlewaresOf(each, declared, [])),
    backends: served.backends,
    loadBalancer: served.loadBalancer,
    remarks,
    source: sourceOf(name),
    isOurs,
  });
}

function hasTls({ tls }: JsonObject): boolean {
  return tls !== undefined && tls !== null && tls !== false;
}

function plainName(name: string): string {
  return name.replace(/@\w+$/, "");
}

/** A declaration by the name that another one uses. */
function lookUp(declared: JsonObject, name: string): unknown {
  return declared[name] ?? declared[name.replace(/@(?:file|docker)$/, "")];
}

/** A middleware with its options, chains expanded; one that is not declared keeps its name with "@". */
function middlewaresOf(
  name: string,
  declared: Declarations,
  within: readonly string[],
): readonly Middleware[] {
  const options = lookUp(declared.middlewares, name);
  if (options === undefined || within.includes(name))
    return [{ name: name.includes("@") ? name : `${name}@unknown`, options: {} }];
  // What the API adds about the state of a middleware.
  const {
    status: _,
    usedBy: __,
    error: ___,
    name: ____,
    provider: _____,
    type: ______,
    ...own
  } = membersOf(options);
  const chained = namesIn(member(own.chain, "middlewares"));
  if (own.chain !== undefined)
    return chained.flatMap((each) => middlewaresOf(each, declared, [...within, name]));
  return [{ name: plainName(name), options: own }];
}

interface Served {
  readonly backends: readonly Backend[];
  readonly loadBalancer: JsonObject;
  readonly remarks: readonly string[];
}

function backendsOf(service: string, declared: Declarations): Served {
  const found = lookUp(declared.services, service);
  const nothing = { backends: [], loadBalancer: {} };
  if (found === undefined)
    return { ...nothing, remarks: [`it leads to service ${service}, which is not declared`] };
  const balancer = member(found, "loadBalancer");
  if (balancer === undefined) {
    const kind = ["weighted", "mirroring", "failover", "highestRandomWeight"].find(
      (each) => member(found, each) !== undefined,
    );
    return { ...nothing, remarks: [`its service is ${kind ?? "unknown"}, which has no address of its own`] };
  }
  const { servers, serversTransport, ...rest } = membersOf(balancer);
  const transport =
    typeof serversTransport === "string" ? membersOf(lookUp(declared.transports, serversTransport)) : {};
  const urls = objectsOf(servers).map((server) => textOf(server, "url"));
  const backends = urls.map((url) => backendOf(url, textOf(transport, "serverName")));
  const { passHostHeader, responseForwarding: _, strategy: __, ...balancing } = rest;
  return {
    backends: backends.filter((each) => each !== undefined),
    loadBalancer: { ...balancing, ...(passHostHeader === false ? { passHostHeader } : {}) },
    remarks: [
      ...urls.flatMap((url, at) =>
        backends[at] === undefined ? [`its server ${JSON.stringify(url)} has no address`] : [],
      ),
      ...(transport.insecureSkipVerify === true ? ["its backend's certificate is not verified"] : []),
      ...(transport.certificates === undefined ? [] : ["it shows its backend a client certificate"]),
    ],
  };
}

/** "http://10.0.0.5:8096", "https://nas.lan". */
function backendOf(url: string, serverName: string): Backend | undefined {
  const [, written, bracketed, plain, port] =
    /^(https?|h2c):\/\/(?:\[([^\]]+)\]|([^/:?#\s]+))(?::(\d+))?(?:[/?#].*)?$/i.exec(url) ?? [];
  const address = bracketed ?? plain;
  if (written === undefined || address === undefined) return undefined;
  const scheme = written.toLowerCase() as Backend["scheme"];
  const standard = scheme === "https" ? 443 : 80;
  return defined({
    scheme,
    address: address.toLowerCase(),
    port: port === undefined ? standard : Number(port),
    serverName: scheme === "https" && serverName !== "" ? serverName : undefined,
  });
}

function demandsCertificate(name: string, { tlsOptions }: Declarations): boolean {
  const type = textOf(member(lookUp(tlsOptions, name), "clientAuth"), "clientAuthType");
  return type !== "" && type !== "NoClientCert";
}
