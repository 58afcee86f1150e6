/** What is wrong with services and middlewares of a loaded configuration, in Traefik's words (3.7.15). Pure. */
import type { DynamicConfiguration } from "./decode.ts";

const serviceTypes = ["loadBalancer", "weighted", "mirroring", "failover", "highestRandomWeight"];

/** Services that Traefik has of its own. */
export const internalServices = [
  "api@internal",
  "dashboard@internal",
  "noop@internal",
  "ping@internal",
  "rest@internal",
];

/** Why a router that names this service is disabled. @param within services that lead to it */
export function serviceFaults(
  dynamic: DynamicConfiguration,
  wanted: string,
  within: readonly string[] = [],
): readonly string[] {
  if (internalServices.includes(wanted)) return [];
  const name = qualified(wanted);
  if (within.includes(name))
    return [`could not instantiate service ${name}: recursion detected in ${[...within, name].join("->")}`];
  const service = dynamic.services[name.replace(/@file$/, "")];
  if (service === undefined || !name.endsWith("@file")) return [`the service "${name}" does not exist`];
  const types = serviceTypes.filter((type) => service[type] !== undefined);
  if (types.length === 0) return [`the service "${name}" does not have any type defined`];
  if (types.length > 1) {
    return [
      "cannot create service: multi-types service not supported, consider declaring two different pieces of service instead",
    ];
  }
  return [
    ...balancerFaults(dynamic, fieldsOf(service.loadBalancer)),
    ...innerServices(service).flatMap((inner) =>
      serviceFaults(dynamic, inner, [...within, name]).map(
        (fault) => `building HTTP service "${inner}": ${fault}`,
      ),
    ),
  ];
}

/** The services that a service spreads its requests over. */
export function innerServices(service: Readonly<Record<string, unknown>>): readonly string[] {
  const { weighted, highestRandomWeight, failover, mirroring } = service;
  const listed = [
    fieldsOf(weighted).services,
    fieldsOf(highestRandomWeight).services,
    fieldsOf(mirroring).mirrors,
  ];
  const names = listed.flatMap((list) =>
    Array.isArray(list) ? list.map((each) => fieldsOf(each).name) : [],
  );
  const single = [fieldsOf(failover).service, fieldsOf(failover).fallback, fieldsOf(mirroring).service];
  return [...single, ...names].filter((name) => typeof name === "string");
}

function balancerFaults(
  dynamic: DynamicConfiguration,
  balancer: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { servers, serversTransport } = balancer;
  const faults: string[] = [];
  for (const server of Array.isArray(servers) ? servers : []) {
    const url = String(fieldsOf(server).url ?? "");
    const fault = urlFault(url);
    if (fault !== undefined)
      faults.push(`error parsing server URL ${url}: parse ${JSON.stringify(url)}: ${fault}`);
    else if (typeof serversTransport === "string") {
      const name = qualified(serversTransport);
      if (dynamic.serversTransports[name.replace(/@file$/, "")] === undefined)
        faults.push(
          `error building proxy for server URL ${url}: getting RoundTripper: servers transport not found ${name}`,
        );
    }
  }
  return faults;
}

/** What Go's url.Parse says. An empty address is no fault: it fails at each request. */
function urlFault(url: string): string | undefined {
  const rest = /^[a-z][a-z0-9+.-]*:(.*)$/is.exec(url)?.[1];
  if (rest === undefined)
    return /^[^/]*:/.test(url) ? "first path segment in URL cannot contain colon" : undefined;
  return /^\/\/[^/]*\s/.test(rest) ? 'invalid character " " in host name' : undefined;
}

/** Why a router that names these middlewares is disabled; a chain is as good as its members. */
export function middlewareFaults(
  dynamic: DynamicConfiguration,
  names: readonly string[],
  within: readonly string[] = [],
): readonly string[] {
  return names.flatMap((name) => {
    const middleware = dynamic.middlewares[name.replace(/@file$/, "")];
    if (middleware === undefined) return [`middleware "${name}" does not exist`];
    if (within.includes(name))
      return [
        `could not instantiate middleware ${name}: recursion detected in ${[...within, name].join("->")}`,
      ];
    const types = Object.keys(middleware).length;
    if (types === 0)
      return [
        `invalid middleware "${name}" configuration: invalid middleware type or middleware does not exist`,
      ];
    if (types > 1) {
      return [
        "cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead",
      ];
    }
    const members = stringsOf(fieldsOf(middleware.chain).middlewares).map(qualified);
    return middlewareFaults(dynamic, members, [...within, name]);
  });
}

/** A name without a provider belongs to the file that names it. */
export function qualified(name: string): string {
  return name.includes("@") ? name : `${name}@file`;
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

export function stringsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return value.split(",").map((item) => item.trim());
  return Array.isArray(value) ? value.map(String) : [];
}
