/**
 * Fields of Traefik's dynamic configuration that every version from 3.0 on accepts, in the file provider's spelling. An
 * older binary refuses a whole file for one unknown field, so nothing newer is ever written (measured on 3.0.4 to 3.7.15).
 */

/** The kind of a field's value: "map" has free names, `Fields` are members of its own. */
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
const subject = fields(
  "country:boolean province:boolean locality:boolean organization:boolean commonName:boolean serialNumber:boolean domainComponent:boolean",
);
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
  passTLSClientCert: {
    ...fields("pem:boolean"),
    info: {
      ...fields("notAfter:boolean notBefore:boolean sans:boolean serialNumber:boolean"),
      subject: { ...subject, organizationalUnit: "boolean" },
      issuer: subject,
    },
  },
  retry: fields("attempts:number initialInterval"),
  contentType: {},
  grpcWeb: fields("allowOrigins:list"),
  plugin: "map",
};

/** The canonical spelling of a field; upper and lower case are the same. */
export function fieldNamed(known: Fields, name: string): string | undefined {
  return Object.keys(known).find((key) => key.toLowerCase() === name.toLowerCase());
}

/**
 * Sets the field at `path` in `target`, converted to its kind.
 * @returns the reason when it cannot be set
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
  if (name === undefined || kind === undefined) return `unknown field ${JSON.stringify(first)}`;
  if (typeof kind === "object") {
    const inner = memberIn(target, name);
    // `compress=true`, `sticky.cookie=true`: enabled, with defaults.
    if (rest.length === 0)
      return /^true$/i.test(value.trim()) ? undefined : `${name} needs one of its fields`;
    return setField(inner, kind, rest, value);
  }
  if (kind === "map") {
    if (rest.length === 0) return `${name} needs the name of an entry`;
    setDeep(memberIn(target, name), rest, value);
    return undefined;
  }
  if (rest.length > 0) return `${name} has no fields`;
  const typed = typedValue(kind, value);
  if (typed === undefined) return `${name} must be a ${kind}, not ${JSON.stringify(value)}`;
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
