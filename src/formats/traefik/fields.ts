/**
 * Fields of Traefik's dynamic configuration, in the file provider's spelling (measured on 3.0.4 to 3.7.15). An older binary
 * refuses a whole file for one unknown field, so one that not every version from 3.0 on knows is never written.
 */
import { defined } from "../../defined.ts";
import type { Fault } from "../fault.ts";
import { type Kind, readValue } from "./values.ts";

/**
 * What a field holds: a value, with "@" and the version before which nobody knows it; "map", texts by free names; "any";
 * or members of its own.
 */
export type FieldKind = Kind | `${Kind}@${string}` | "map" | "any" | Fields;

export type Fields = { readonly [name: string]: FieldKind };

/** "path status:number encodings:list@3.2": names with their kinds. */
function fields(words: string): Record<string, FieldKind> {
  return Object.fromEntries(
    words.split(/\s+/).map((word) => {
      const [name = "", kind = "text"] = word.split(":");
      return [name, kind as FieldKind];
    }),
  );
}

const ipStrategy = fields("depth:number excludedIPs:networks ipv6Subnet:number@3.2");
const sourceCriterion = { ...fields("requestHeaderName requestHost:boolean"), ipStrategy };
const subject = fields(
  "country:boolean province:boolean locality:boolean organization:boolean commonName:boolean serialNumber:boolean domainComponent:boolean",
);
const users = fields("users:users usersFile:file realm removeHeader:boolean headerField");

export const loadBalancerFields: Fields = {
  ...fields("passHostHeader:boolean serversTransport strategy:strategy@3.4"),
  sticky: {
    cookie: fields(
      "name secure:boolean httpOnly:boolean sameSite maxAge:number path:text@3.3 domain:text@3.4",
    ),
  },
  healthCheck: fields(
    `scheme mode path method status:number port:number interval:duration unhealthyInterval:duration@3.5
     timeout:duration hostname followRedirects:boolean headers:map`,
  ),
  passiveHealthCheck: fields("failureWindow:duration@3.6 maxFailedAttempts:number@3.6"),
  responseForwarding: fields("flushInterval:duration"),
};

export const routerFields: Fields = {
  ...fields("entryPoints:list rule service middlewares:list priority:number ruleSyntax"),
  tls: "any",
  observability: fields(
    "accessLogs:boolean@3.3 metrics:boolean@3.3 tracing:boolean@3.3 traceVerbosity:text@3.5",
  ),
};

export const serverFields: Fields = fields("url weight:number preservePath:boolean@3.2 scheme port");

/** Of the services that a service spreads its requests over. */
export const shareFields: Fields = fields("name weight:number percent:percent");

/** Services that lead to others, by their type. */
export const spreadFields: Fields = {
  weighted: { ...fields("services:any"), sticky: loadBalancerFields.sticky ?? "any", healthCheck: "any" },
  mirroring: fields("service mirrorBody:boolean maxBodySize:number mirrors:any healthCheck:any"),
  failover: fields("service fallback healthCheck:any"),
  highestRandomWeight: fields("services:list@3.6 healthCheck:any"),
};

export const transportFields: Fields = {
  ...fields(
    `serverName insecureSkipVerify:boolean rootCAs:list certificates:any maxIdleConnsPerHost:number
     disableHTTP2:boolean peerCertURI cipherSuites:list@3.7 minVersion:text@3.7 maxVersion:text@3.7`,
  ),
  forwardingTimeouts: fields(
    `dialTimeout:duration responseHeaderTimeout:duration idleConnTimeout:duration readIdleTimeout:duration
     pingTimeout:duration`,
  ),
};

export const middlewareFields: Fields = {
  addPrefix: fields("prefix"),
  stripPrefix: fields("prefixes:list forceSlash:boolean"),
  stripPrefixRegex: fields("regex:patterns"),
  replacePath: fields("path"),
  replacePathRegex: fields("regex:pattern replacement"),
  chain: fields("middlewares:list"),
  ipAllowList: { ...fields("sourceRange:networks rejectStatusCode:status"), ipStrategy },
  ipWhiteList: { ...fields("sourceRange:networks"), ipStrategy },
  headers: fields(
    `customRequestHeaders:map customResponseHeaders:map accessControlAllowCredentials:boolean
     accessControlAllowHeaders:list accessControlAllowMethods:list accessControlAllowOriginList:list
     accessControlAllowOriginListRegex:patterns accessControlExposeHeaders:list accessControlMaxAge:number
     addVaryHeader:boolean allowedHosts:list hostsProxyHeaders:list sslProxyHeaders:map stsSeconds:number
     stsIncludeSubdomains:boolean stsPreload:boolean forceSTSHeader:boolean frameDeny:boolean
     customFrameOptionsValue contentTypeNosniff:boolean browserXssFilter:boolean customBrowserXSSValue
     contentSecurityPolicy contentSecurityPolicyReportOnly:text@3.1 publicKey referrerPolicy permissionsPolicy
     isDevelopment:boolean featurePolicy sslRedirect:boolean sslTemporaryRedirect:boolean sslHost
     sslForceHost:boolean`,
  ),
  errors: fields("status:statuses service query statusRewrites:text@3.4"),
  rateLimit: { ...fields("average:number period:period burst:number"), sourceCriterion },
  redirectRegex: fields("regex:pattern replacement permanent:boolean"),
  redirectScheme: fields("scheme port permanent:boolean"),
  basicAuth: users,
  digestAuth: { ...users, users: "digests" },
  forwardAuth: {
    ...fields(
      `address trustForwardHeader:boolean authResponseHeaders:list authResponseHeadersRegex:pattern
       authRequestHeaders:list addAuthCookiesToResponse:list headerField:text@3.2 forwardBody:boolean@3.2
       maxBodySize:number@3.2 preserveLocationHeader:boolean@3.2 preserveRequestMethod:boolean@3.4`,
    ),
    tls: fields("ca:pem cert:pem key:pem insecureSkipVerify:boolean caOptional:boolean"),
  },
  inFlightReq: { ...fields("amount:number"), sourceCriterion },
  buffering: fields(
    `maxRequestBodyBytes:bytes memRequestBodyBytes:bytes maxResponseBodyBytes:bytes memResponseBodyBytes:bytes
     retryExpression:retry`,
  ),
  circuitBreaker: fields(
    "expression:breaker checkPeriod:duration fallbackDuration:duration recoveryDuration:duration responseCode:number",
  ),
  compress: fields(
    `excludedContentTypes:mediaTypes includedContentTypes:mediaTypes minResponseBodyBytes:number
     encodings:list@3.2 defaultEncoding:encoding`,
  ),
  passTLSClientCert: {
    ...fields("pem:boolean"),
    info: {
      ...fields("notAfter:boolean notBefore:boolean sans:boolean serialNumber:boolean"),
      subject: { ...subject, organizationalUnit: "boolean" },
      issuer: subject,
    },
  },
  retry: fields("attempts:times initialInterval:duration"),
  contentType: fields("autoDetect:boolean"),
  grpcWeb: fields("allowOrigins:list"),
  plugin: "any",
};

/** Fields that have a meaning without any member, and as "true" (measured). */
const mayBeEmpty: ReadonlySet<string> = new Set([
  "compress",
  "sticky",
  "cookie",
  "contentType",
  "ipStrategy",
]);

/** What Traefik 3 takes and advises against. */
const deprecated: Readonly<Record<string, string>> = {
  sslRedirect: "remove it: the gateway redirects to HTTPS",
  sslTemporaryRedirect: "remove it: the gateway redirects to HTTPS",
  sslHost: "use a middleware redirectRegex",
  sslForceHost: "use a middleware redirectRegex",
  featurePolicy: "use permissionsPolicy",
  ipWhiteList: "use ipAllowList",
};

/** The canonical spelling of a field; upper and lower case are the same. */
export function fieldNamed(known: Fields, name: string): string | undefined {
  return Object.keys(known).find((key) => key.toLowerCase() === name.toLowerCase());
}

/** What a single value that stands for a whole mapping means: "true" and "" are all its defaults. */
function isSwitchedOn(text: string): boolean {
  return /^(?:true)?$/i.test(text);
}

/** Whether a value stands for a mapping that is not there: any word but "true". */
export function isSwitchedOff(name: string, value: unknown): boolean {
  return mayBeEmpty.has(name) && typeof value !== "object" && !isSwitchedOn(String(value));
}

/**
 * Sets the field at `path` in `target`, converted to its kind; `list[0]` adds an item. One that not every Traefik 3 knows
 * is left out, with a warning.
 */
export function setField(
  target: Record<string, unknown>,
  known: Fields,
  path: readonly string[],
  value: string,
): Fault | undefined {
  const [first = "", ...rest] = path;
  const [, written = first, index] = /^(.*?)(?:\[(\d+)\])?$/s.exec(first) ?? [];
  const name = fieldNamed(known, written);
  const kind = name === undefined ? undefined : known[name];
  if (name === undefined || kind === undefined)
    return { message: `unknown field ${JSON.stringify(written)}` };
  const old = deprecated[name];
  const warning: Fault | undefined =
    old === undefined
      ? undefined
      : { message: `Traefik advises against ${name}`, hint: old, severity: "warning" };
  if (typeof kind === "object") {
    if (rest.length === 0) {
      if (!mayBeEmpty.has(name)) return { message: `${name} needs one of its fields` };
      if (isSwitchedOn(value)) memberIn(target, name);
      return warning;
    }
    return setField(memberIn(target, name), kind, rest, value) ?? warning;
  }
  if (kind === "map" || kind === "any") {
    if (rest.length === 0) return { message: `${name} needs the name of an entry` };
    if (kind === "map" && rest.length > 1)
      return { message: `${JSON.stringify(rest.join("."))} cannot be a name in ${name}: it has a dot` };
    setDeep(memberIn(target, name), rest, value);
    return warning;
  }
  if (rest.length > 0) return { message: `${name} has no fields` };
  const [plain, since] = kind.split("@") as [Kind, string | undefined];
  const read = readValue(plain, index === undefined ? value : [value]);
  if ("fault" in read) return { ...read.fault, message: `${name}: ${read.fault.message}` };
  if (since !== undefined)
    return { message: `${name} is not used: it requires Traefik ${since}`, severity: "warning" };
  const items = Array.isArray(target[name]) ? target[name] : [];
  target[name] = index === undefined ? read.value : [...items, value];
  return warning;
}

function setDeep(target: Record<string, unknown>, path: readonly string[], value: string): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) put(target, first, value);
  else setDeep(memberIn(target, first), rest, value);
}

function memberIn(target: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = Object.hasOwn(target, name) ? target[name] : undefined;
  if (typeof found === "object" && found !== null) return found as Record<string, unknown>;
  const made: Record<string, unknown> = {};
  put(target, name, made);
  return made;
}

/** Sets a member whose name comes from a label: an assignment to `__proto__` would change every object. */
function put(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}

/** Faults of a mapping in a file: unknown fields, empty mappings, values of the wrong kind. */
export function fieldFaults(value: Readonly<Record<string, unknown>>, known: Fields): readonly Fault[] {
  return Object.entries(value).flatMap(([written, member]): readonly Fault[] => {
    if (member === null) return [];
    const name = fieldNamed(known, written);
    const kind = name === undefined ? undefined : known[name];
    if (name === undefined || kind === undefined)
      return [{ message: `unknown field ${JSON.stringify(written)}` }];
    if (kind === "any") return [];
    if (typeof kind === "object" || kind === "map") {
      const members = typeof member === "object" && !Array.isArray(member) ? { ...member } : {};
      const isEmpty = Object.values(members).every((each) => each === null);
      if (isSwitchedOff(name, member)) return [];
      if (isEmpty && !(mayBeEmpty.has(name) && (typeof member === "object" || isSwitchedOn(String(member)))))
        return [{ message: `${name} is empty` }];
      return typeof kind === "object" ? fieldFaults(members, kind) : [];
    }
    const [plain, since] = kind.split("@") as [Kind, string | undefined];
    const read = readValue(plain, member);
    if ("fault" in read) return [defined({ ...read.fault, message: `${name}: ${read.fault.message}` })];
    return since === undefined ? [] : [{ message: `${name} requires Traefik ${since}` }];
  });
}
