/** What is wrong with services and middlewares of a loaded configuration, in Traefik's words (3.7.15). Pure. */
import type { DynamicConfiguration } from "./decode.ts";
import { urlFault } from "./go.ts";
import { buildFault } from "./middlewares.ts";
import { fieldsOf, stringsOf } from "./values.ts";

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
  const service = dynamic.services[ownName(name)];
  if (service === undefined) return [`the service "${name}" does not exist`];
  const types = serviceTypes.filter((type) => service[type] !== undefined);
  if (types.length === 0) return [`the service "${name}" does not have any type defined`];
  if (types.length > 1) {
    return [
      "cannot create service: multi-types service not supported, consider declaring two different pieces of service instead",
    ];
  }
  const inner = innerServices(service).flatMap((each) =>
    serviceFaults(dynamic, each, [...within, name]).map((fault) =>
      service.weighted === undefined ? fault : `building HTTP service "${each}": ${fault}`,
    ),
  );
  return [
    ...balancerFaults(dynamic, fieldsOf(service.loadBalancer)),
    ...inner,
    ...(inner.length === 0 ? spreadFaults(dynamic, name, service) : []),
  ];
}

/** What a failover and a mirror ask of the services that they lead to. */
function spreadFaults(
  dynamic: DynamicConfiguration,
  name: string,
  { failover, mirroring }: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { service } = fieldsOf(failover);
  const [watched] = Object.values(dynamic.services[String(service).replace(/@file$/, "")] ?? {});
  const { mirrors } = fieldsOf(mirroring);
  const shares = Array.isArray(mirrors) ? mirrors.map((mirror) => Number(fieldsOf(mirror).percent ?? 0)) : [];
  return [
    ...(failover !== undefined && fieldsOf(watched).healthCheck === undefined
      ? [
          `cannot register ${service} as updater for ${name}: healthCheck not enabled in config for this WRR service`,
        ]
      : []),
    ...(shares.some((share) => share < 0 || share > 100) ? ["percent must be between 0 and 100"] : []),
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
  const single = [
    ...(failover === undefined ? [] : [fieldsOf(failover).service ?? "", fieldsOf(failover).fallback ?? ""]),
    ...(mirroring === undefined ? [] : [fieldsOf(mirroring).service ?? ""]),
  ];
  return [...single, ...names].filter((name) => typeof name === "string");
}

const strategies: readonly string[] = ["wrr", "p2c", "hrw", "leasttime", ""];

function balancerFaults(
  dynamic: DynamicConfiguration,
  balancer: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { servers, serversTransport, strategy = "wrr" } = balancer;
  const faults: string[] = [];
  if (!strategies.includes(String(strategy)))
    faults.push(`unsupported load-balancer strategy ${JSON.stringify(strategy)}`);
  for (const server of Array.isArray(servers) ? servers : []) {
    const url = String(fieldsOf(server).url ?? "");
    const fault = urlFault(url);
    if (fault !== undefined)
      faults.push(`error parsing server URL ${url}: parse ${JSON.stringify(url)}: ${fault}`);
    else if (typeof serversTransport === "string" && !/^(?:default@internal)?$/.test(serversTransport)) {
      const name = qualified(serversTransport);
      if (dynamic.serversTransports[ownName(name)] === undefined)
        faults.push(
          `error building proxy for server URL ${url}: getting RoundTripper: servers transport not found ${name}`,
        );
    }
  }
  return faults;
}

/** Why a router that names these middlewares is disabled; a chain is as good as its members. */
export function middlewareFaults(
  dynamic: DynamicConfiguration,
  names: readonly string[],
  within: readonly string[] = [],
): readonly string[] {
  return names.flatMap((name) => {
    const middleware = dynamic.middlewares[ownName(name)];
    if (middleware === undefined) return [`middleware "${name}" does not exist`];
    if (within.includes(name))
      return [
        `could not instantiate middleware ${name}: recursion detected in ${[...within, name].join("->")}`,
      ];
    const [type, ...more] = Object.keys(middleware);
    if (type === undefined)
      return [
        `invalid middleware "${name}" configuration: invalid middleware type or middleware does not exist`,
      ];
    if (more.length > 0) {
      return [
        "cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead",
      ];
    }
    const fault = buildFault(type, fieldsOf(middleware[type]));
    if (fault !== undefined) return [fault];
    const service = errorService(dynamic, name);
    if (service !== undefined) return serviceFaults(dynamic, service);
    return middlewareFaults(dynamic, chained(dynamic, name), [...within, name]);
  });
}

/** The middlewares of a chain. */
export function chained(dynamic: DynamicConfiguration, name: string): readonly string[] {
  const { chain } = dynamic.middlewares[ownName(name)] ?? {};
  return stringsOf(fieldsOf(chain).middlewares).map(qualified);
}

/** The service that has the pages of an errors middleware. */
export function errorService(dynamic: DynamicConfiguration, name: string): string | undefined {
  const { errors } = dynamic.middlewares[ownName(name)] ?? {};
  return errors === undefined ? undefined : qualified(String(fieldsOf(errors).service ?? ""));
}

/** The name that an object has in its section: without the provider, if that is a file. */
export function ownName(name: string): string {
  return name.replace(/@file$/, "");
}

/** The name of an object by that in its section. */
export function fullName(own: string): string {
  return own.endsWith("@docker") ? own : `${own}@file`;
}

/** A name without a provider belongs to the file that names it. */
export function qualified(name: string): string {
  return name.includes("@") ? name : `${name}@file`;
}
