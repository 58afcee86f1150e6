/**
 * Fields of Traefik's dynamic configuration that every version from 3.0 on takes, in the file provider's spelling. An
 * older binary refuses a whole file for one field that it does not know, so nothing newer is ever written (measured on
 * 3.0.4 to 3.7.15).
 */

/** How a field's value reads: as text, number, yes or no, list of texts, map from free names, or members of its own. */
export type FieldKind = "text" | "number" | "boolean" | "list" | "map" | Fields;

export type Fields = { readonly [name: string]: FieldKind };

/** "path status:number prefixes:list": names with their kinds. */
function fields(words: string): Record<string, FieldKind> {
  return Object.fromEntries(
    words.split(/\s+/).map((word) => {
      const [name = "", kind = "text"] = word.split(":");
      return [name, kind as FieldKind];
    }),
  );
}

const ipStrategy = fields("depth:number excludedIPs:list");
const sourceCriterion = { ...fields("requestHeaderName requestHost:boolean"), ipStrategy };
const users = fields("users:list usersFile realm removeHeader:boolean headerField");

export const loadBalancerFields: Fields = {
  ...fields("passHostHeader:boolean serversTransport"),
  sticky: { cookie: fields("name secure:boolean httpOnly:boolean sameSite maxAge:number") },
  healthCheck: fields(
    "scheme mode path method status:number port:number interval timeout hostname followRedirects:boolean headers:map",
  ),
  responseForwarding: fields("flushInterval"),
};

export const middlewareFields: Fields = {
  addPrefix: fields("prefix"),
  stripPrefix: fields("prefixes:list forceSlash:boolean"),
  stripPrefixRegex: fields("regex:list"),
  replacePath: fields("path"),
  replacePathRegex: fields("regex replacement"),
  chain: fields("middlewares:list"),
  ipAllowList: { ...fields("sourceRange:list rejectStatusCode:number"), ipStrategy },
  ipWhiteList: { ...fields("sourceRange:list"), ipStrategy },
  headers: fields(
    `customRequestHeaders:map customResponseHeaders:map accessControlAllowCredentials:boolean
     accessControlAllowHeaders:list accessControlAllowMethods:list accessControlAllowOriginList:list
     accessControlAllowOriginListRegex:list accessControlExposeHeaders:list accessControlMaxAge:number
     addVaryHeader:boolean allowedHosts:list hostsProxyHeaders:list sslProxyHeaders:map stsSeconds:number
     stsIncludeSubdomains:boolean stsPreload:boolean forceSTSHeader:boolean frameDeny:boolean
     customFrameOptionsValue contentTypeNosniff:boolean browserXssFilter:boolean customBrowserXSSValue
     contentSecurityPolicy publicKey referrerPolicy permissionsPolicy isDevelopment:boolean`,
  ),
  errors: fields("status:list service query"),
  rateLimit: { ...fields("average:number period burst:number"), sourceCriterion },
  redirectRegex: fields("regex replacement permanent:boolean"),
  redirectScheme: fields("scheme port permanent:boolean"),
  basicAuth: users,
  digestAuth: users,
  forwardAuth: {
    ...fields(
      `address trustForwardHeader:boolean authResponseHeaders:list authResponseHeadersRegex authRequestHeaders:list
       addAuthCookiesToResponse:list`,
    ),
    tls: fields("ca cert key insecureSkipVerify:boolean"),
  },
  inFlightReq: { ...fields("amount:number"), sourceCriterion },
  buffering: fields(
    `maxRequestBodyBytes:number memRequestBodyBytes:number maxResponseBodyBytes:number memResponseBodyBytes:number
     retryExpression`,
  ),
  circuitBreaker: fields("expression checkPeriod fallbackDuration recoveryDuration"),
  compress: fields("excludedContentTypes:list minResponseBodyBytes:number"),
  passTLSClientCert: { ...fields("pem:boolean"), info: "map" },
  retry: fields("attempts:number initialInterval"),
  contentType: {},
  grpcWeb: fields("allowOrigins:list"),
  plugin: "map",
};

/** The canonical spelling of a field; names count in any case. */
export function fieldNamed(known: Fields, name: string): string | undefined {
  return Object.keys(known).find((key) => key.toLowerCase() === name.toLowerCase());
}

/**
 * Sets the field that `path` leads to, as its kind says, in `target`.
 * @returns why that cannot be
 */
export function setField(
  target: Record<string, unknown>,
  known: Fields,
  path: readonly string[],
  value: string,
): string | undefined {
  const [first = "", ...rest] = path;
  const name = fieldNamed(known, first);
  const kind = name === undefined ? undefined : known[name];
  if (name === undefined || kind === undefined) return `there is no field ${first}`;
  if (typeof kind === "object") {
    const inner = memberIn(target, name);
    // `compress=true`, `sticky.cookie=true`: it is there, with its defaults.
    if (rest.length === 0) return /^true$/i.test(value.trim()) ? undefined : `${name} has fields of its own`;
    return setField(inner, kind, rest, value);
  }
  if (kind === "map") {
    if (rest.length === 0) return `${name} needs the name of an entry`;
    setDeep(memberIn(target, name), rest, value);
    return undefined;
  }
  if (rest.length > 0) return `${name} has no fields of its own`;
  const typed = typedValue(kind, value);
  if (typed === undefined) return `${name} is ${JSON.stringify(value)}, which is no ${kind}`;
  target[name] = typed;
  return undefined;
}

function typedValue(kind: "text" | "number" | "boolean" | "list", value: string): unknown {
  switch (kind) {
    case "text":
      return value;
    case "number":
      return /^-?\d+$/.test(value.trim()) ? Number(value) : undefined;
    case "boolean":
      if (/^(true|t|1)$/i.test(value.trim())) return true;
      return /^(false|f|0)$/i.test(value.trim()) ? false : undefined;
    case "list":
      return value.split(",").map((item) => item.trim());
  }
}

function setDeep(target: Record<string, unknown>, path: readonly string[], value: string): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) target[first] = value;
  else setDeep(memberIn(target, first), rest, value);
}

function memberIn(target: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = target[name];
  if (typeof found === "object" && found !== null) return found as Record<string, unknown>;
  const made: Record<string, unknown> = {};
  target[name] = made;
  return made;
}
