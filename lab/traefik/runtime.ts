/** What Traefik makes of a loaded configuration: which routers, services and middlewares work, and why others do not. Pure. */
import type { DynamicConfiguration, Section } from "./decode.ts";
import type { TraefikStatic } from "./load.ts";
import { type Matcher, RuleError, ruleMatcher } from "./match.ts";
import {
  chained,
  errorService,
  fullName,
  innerServices,
  middlewareFaults,
  ownName,
  qualified,
  serviceFaults,
} from "./objects.ts";
import { fieldsOf, stringsOf } from "./values.ts";

export interface RuntimeRouter {
  readonly name: string;
  readonly rule: string;
  readonly service: string;
  readonly entryPoints: readonly string[];
  readonly middlewares: readonly string[];
  /** 0 when it never came so far. */
  readonly priority: number;
  readonly tls: boolean;
  readonly status: "enabled" | "warning" | "disabled";
  readonly errors: readonly string[];
  /** Entry points that would serve it, sorted. */
  readonly using: readonly string[];
  readonly matches: Matcher;
}

export interface RuntimeObject {
  readonly name: string;
  readonly status: "enabled" | "disabled";
  readonly errors: readonly string[];
  readonly usedBy: readonly string[];
  readonly configuration: Readonly<Record<string, unknown>>;
}

export interface TraefikRuntime {
  readonly routers: readonly RuntimeRouter[];
  readonly services: ReadonlyMap<string, RuntimeObject>;
  readonly middlewares: ReadonlyMap<string, RuntimeObject>;
}

/** Traefik keeps the last thousand for itself. */
const priorityLimit = 2n ** 63n - 1n - 1000n;

/** A configuration that is loaded is never changed, and every request asks for what was made of it. */
const known = new WeakMap<
  DynamicConfiguration,
  { readonly fixed: TraefikStatic; readonly made: TraefikRuntime }
>();

export function traefikRuntime(fixed: TraefikStatic, dynamic: DynamicConfiguration): TraefikRuntime {
  const before = known.get(dynamic);
  if (before?.fixed === fixed) return before.made;
  const made = runtimeOf(fixed, dynamic);
  known.set(dynamic, { fixed, made });
  return made;
}

function runtimeOf(fixed: TraefikStatic, dynamic: DynamicConfiguration): TraefikRuntime {
  const routers = Object.entries(dynamic.routers).map(([name, router]) =>
    runtimeRouter(fixed, dynamic, name, router),
  );
  const usersOf = (
    uses: (router: RuntimeRouter) => readonly string[],
  ): ((name: string) => readonly string[]) => {
    const users = new Map<string, string[]>();
    for (const router of routers)
      for (const name of new Set(uses(router))) {
        const found = users.get(name) ?? [];
        found.push(router.name);
        users.set(name, found);
      }
    return (name) => users.get(name) ?? [];
  };
  const middlewares = reached(
    routers.flatMap((router) => router.middlewares),
    (name) => chained(dynamic, name),
  );
  const services = reached(
    [
      ...routers.map(({ service }) => qualified(service)),
      ...[...middlewares].flatMap((name) => errorService(dynamic, name) ?? []),
    ],
    (name) => innerServices(dynamic.services[ownName(name)] ?? {}).map(qualified),
  );
  return {
    routers,
    services: objects(
      dynamic.services,
      (name) => (services.has(name) ? serviceFaults(dynamic, name) : []),
      usersOf(({ service }) => [qualified(service)]),
    ),
    middlewares: objects(
      dynamic.middlewares,
      (name) => (middlewares.has(name) ? middlewareFaults(dynamic, [name]) : []),
      usersOf((router) => router.middlewares),
    ),
  };
}

/** Everything that the routers need, directly or not: what nobody uses is never built, so nobody sees that it cannot be. */
function reached(names: readonly string[], next: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set(names);
  for (const name of found) for (const each of next(name)) found.add(each);
  return found;
}

function objects(
  section: Section,
  faultsOf: (name: string) => readonly string[],
  usersOf: (name: string) => readonly string[],
): ReadonlyMap<string, RuntimeObject> {
  return new Map(
    Object.entries(section).map(([own, configuration]) => {
      const name = fullName(own);
      const errors = faultsOf(name);
      const status = errors.length === 0 ? "enabled" : "disabled";
      return [name, { name, status, errors, usedBy: usersOf(name), configuration }];
    }),
  );
}

function runtimeRouter(
  fixed: TraefikStatic,
  dynamic: DynamicConfiguration,
  name: string,
  router: Readonly<Record<string, unknown>>,
): RuntimeRouter {
  const rule = typeof router.rule === "string" ? router.rule : "";
  const service = typeof router.service === "string" ? router.service : "";
  const declared = stringsOf(router.entryPoints);
  const entryPoints =
    declared.length > 0 ? declared : Object.keys(fixed.entryPoints).filter((point) => point !== "traefik");
  const middlewares = stringsOf(router.middlewares).map(qualified);
  const using = entryPoints.filter((point) => fixed.entryPoints[point] !== undefined).sort();
  const missing = entryPoints
    .filter((point) => fixed.entryPoints[point] === undefined)
    .map((point) => `entryPoint "${point}" doesn't exist`);
  const parsed = matcherOf(rule);
  const priority = BigInt(String(router.priority ?? 0));
  const number = Number(priority);
  const tlsOptions = fieldsOf(router.tls).options;
  const fatal = [
    ...(using.length === 0 ? ["no valid entryPoint for this router"] : []),
    ...(service === ""
      ? ["router has no service and no child routers", "router must have either a service or child routers"]
      : [...(parsed.fault === undefined ? [] : [parsed.fault]), ...serviceFaults(dynamic, service)]),
    ...middlewareFaults(dynamic, middlewares),
    ...(typeof tlsOptions === "string" && ![...dynamic.tlsOptions, "default"].includes(tlsOptions)
      ? [`building router handler: unknown TLS options: ${qualified(tlsOptions)}`]
      : []),
    ...(priority > priorityLimit
      ? [`the router priority ${priority} exceeds the max user-defined priority ${priorityLimit}`]
      : []),
  ];
  return {
    name: fullName(name),
    rule,
    service,
    entryPoints,
    middlewares,
    priority: using.length === 0 ? 0 : number === 0 ? rule.length : number,
    tls: router.tls !== undefined,
    status: fatal.length > 0 ? "disabled" : missing.length > 0 ? "warning" : "enabled",
    errors: [...missing, ...fatal],
    using,
    matches: parsed.matches,
  };
}

function matcherOf(rule: string): { readonly matches: Matcher; readonly fault?: string } {
  try {
    return { matches: ruleMatcher(rule) };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { matches: () => false, fault: `error while parsing rule ${rule}: ${error.message}` };
  }
}
