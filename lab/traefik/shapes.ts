/** What may stand in a file of Traefik's file provider: field names and kinds, as 3.7.15 knows them (checked against it). */

/** "any" is a value of free form. */
export type Kind = "any" | "text" | "number" | "boolean" | "duration" | "list";

export interface Struct {
  readonly fields: Readonly<Record<string, Field>>;
  /** Whether it means something without any member, or as "true". */
  readonly mayBeEmpty: boolean;
}

/** A value, members by name, free names, or a list of structs. */
export type Field = Kind | Struct | readonly ["map of" | "list of", Field];

/** "url weight:number": names with their kinds, which are text unless said; and fields that are more than a value. */
function struct(words: string, more: Readonly<Record<string, Field>> = {}): Struct {
  const named = words
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => {
      const [name = "", kind = "text"] = word.split(":");
      return [name, kind as Kind] as const;
    });
  return { fields: { ...Object.fromEntries(named), ...more }, mayBeEmpty: false };
}

function orEmpty(given: Struct): Struct {
  return { ...given, mayBeEmpty: true };
}

const texts = ["map of", "text"] as const;

const router = struct(
  "entryPoints:list rule service middlewares:list priority:number ruleSyntax parentRefs:list",
  {
    tls: orEmpty(struct("options certResolver", { domains: ["list of", struct("main sans:list")] })),
    observability: struct("accessLogs:boolean metrics:boolean tracing:boolean traceVerbosity"),
  },
);

const sticky = orEmpty(
  struct("", {
    cookie: orEmpty(struct("name secure:boolean httpOnly:boolean sameSite maxAge:number path domain")),
  }),
);

const nothing = orEmpty(struct(""));

const loadBalancer = struct("passHostHeader:boolean strategy serversTransport", {
  servers: ["list of", struct("url weight:number preservePath:boolean scheme port")],
  sticky,
  healthCheck: struct(
    `scheme mode path method status:number port:number interval:duration unhealthyInterval:duration timeout:duration
     hostname followRedirects:boolean`,
    { headers: texts },
  ),
  passiveHealthCheck: orEmpty(struct("failureWindow:duration maxFailedAttempts:number")),
  responseForwarding: struct("flushInterval:duration"),
});

const service = struct("", {
  loadBalancer,
  weighted: struct("", {
    services: ["list of", struct("name weight:number", { headers: texts })],
    sticky,
    healthCheck: nothing,
  }),
  mirroring: struct("service mirrorBody:boolean maxBodySize:number", {
    mirrors: ["list of", struct("name percent:number")],
    healthCheck: nothing,
  }),
  failover: struct("service fallback", {
    healthCheck: nothing,
    errors: struct("status:list maxRequestBodyBytes:number"),
  }),
  highestRandomWeight: struct("", {
    services: ["list of", struct("name weight:number")],
    healthCheck: nothing,
  }),
});

const ipStrategy = struct("depth:number excludedIPs:list ipv6Subnet:number");
const sourceCriterion = struct("requestHeaderName requestHost:boolean", { ipStrategy });
const users = struct("users:list usersFile realm removeHeader:boolean headerField");
const subject = struct(
  "country:boolean province:boolean locality:boolean organization:boolean commonName:boolean serialNumber:boolean domainComponent:boolean",
);
const clientTls = struct("ca cert key insecureSkipVerify:boolean caOptional:boolean");

const headers = struct(
  `accessControlAllowCredentials:boolean accessControlAllowHeaders:list accessControlAllowMethods:list
   accessControlAllowOriginList:list accessControlAllowOriginListRegex:list accessControlExposeHeaders:list
   accessControlMaxAge:number addVaryHeader:boolean allowedHosts:list hostsProxyHeaders:list stsSeconds:number
   stsIncludeSubdomains:boolean stsPreload:boolean forceSTSHeader:boolean frameDeny:boolean customFrameOptionsValue
   contentTypeNosniff:boolean browserXssFilter:boolean customBrowserXSSValue contentSecurityPolicy
   contentSecurityPolicyReportOnly publicKey referrerPolicy permissionsPolicy isDevelopment:boolean featurePolicy
   sslRedirect:boolean sslTemporaryRedirect:boolean sslHost sslForceHost:boolean`,
  { customRequestHeaders: texts, customResponseHeaders: texts, sslProxyHeaders: texts },
);

const middleware = struct("", {
  addPrefix: struct("prefix"),
  stripPrefix: struct("prefixes:list forceSlash:boolean"),
  stripPrefixRegex: struct("regex:list"),
  replacePath: struct("path"),
  replacePathRegex: struct("regex replacement"),
  chain: struct("middlewares:list"),
  ipAllowList: struct("sourceRange:list rejectStatusCode:number", { ipStrategy: orEmpty(ipStrategy) }),
  ipWhiteList: struct("sourceRange:list", { ipStrategy: orEmpty(ipStrategy) }),
  headers,
  encodedCharacters: struct(
    `allowEncodedSlash:boolean allowEncodedBackSlash:boolean allowEncodedNullCharacter:boolean
     allowEncodedSemicolon:boolean allowEncodedPercent:boolean allowEncodedQuestionMark:boolean
     allowEncodedHash:boolean`,
  ),
  errors: struct("status:list service query", { statusRewrites: ["map of", "number"] }),
  rateLimit: struct("average:number period:duration burst:number", { sourceCriterion, redis: "any" }),
  redirectRegex: struct("regex replacement permanent:boolean"),
  redirectScheme: struct("scheme port permanent:boolean"),
  basicAuth: users,
  digestAuth: users,
  forwardAuth: struct(
    `address trustForwardHeader:boolean authResponseHeaders:list authResponseHeadersRegex authRequestHeaders:list
     addAuthCookiesToResponse:list headerField forwardBody:boolean maxBodySize:number preserveLocationHeader:boolean
     preserveRequestMethod:boolean`,
    { tls: clientTls },
  ),
  inFlightReq: struct("amount:number", { sourceCriterion }),
  buffering: struct(
    `maxRequestBodyBytes:number memRequestBodyBytes:number maxResponseBodyBytes:number memResponseBodyBytes:number
     retryExpression`,
  ),
  circuitBreaker: struct(
    "expression checkPeriod:duration fallbackDuration:duration recoveryDuration:duration responseCode:number",
  ),
  compress: orEmpty(
    struct(
      "excludedContentTypes:list includedContentTypes:list minResponseBodyBytes:number encodings:list defaultEncoding",
    ),
  ),
  passTLSClientCert: struct("pem:boolean", {
    info: struct("notAfter:boolean notBefore:boolean sans:boolean serialNumber:boolean", {
      subject: { ...subject, fields: { ...subject.fields, organizationalUnit: "boolean" } },
      issuer: subject,
    }),
  }),
  retry: struct("attempts:number initialInterval:duration"),
  contentType: orEmpty(struct("autoDetect:boolean")),
  grpcWeb: struct("allowOrigins:list"),
  plugin: ["map of", "any"],
});

const serversTransport = struct(
  `serverName insecureSkipVerify:boolean rootCAs:list cipherSuites:list minVersion maxVersion
   maxIdleConnsPerHost:number disableHTTP2:boolean peerCertURI`,
  {
    certificates: ["list of", struct("certFile keyFile")],
    spiffe: orEmpty(struct("ids:list trustDomain")),
    forwardingTimeouts: struct(
      `dialTimeout:duration responseHeaderTimeout:duration idleConnTimeout:duration readIdleTimeout:duration
       pingTimeout:duration`,
    ),
  },
);

const freely = ["map of", "any"] as const;

/** The roots that Traefik knows; others are dropped without a word. */
export const roots: Struct = struct("", {
  http: struct("", {
    routers: ["map of", router],
    services: ["map of", service],
    middlewares: ["map of", middleware],
    serversTransports: ["map of", serversTransport],
    models: freely,
  }),
  tcp: struct("", {
    routers: freely,
    services: freely,
    middlewares: freely,
    serversTransports: freely,
    models: freely,
  }),
  udp: struct("", { routers: freely, services: freely }),
  tls: struct("certificates:any", { options: freely, stores: freely }),
});

/** The roots of labels: a service has one server, and only a load balancer is built; transports cannot be declared. */
export const labelRoots: Readonly<Record<string, Field>> = {
  docker: struct("network lbswarm:boolean allownonrunning:boolean"),
  http: struct("serversTransports:any models:any", {
    routers: ["map of", router],
    services: [
      "map of",
      {
        ...service,
        fields: {
          ...service.fields,
          loadBalancer: struct("", {
            ...Object.fromEntries(Object.entries(loadBalancer.fields).filter(([name]) => name !== "servers")),
            server: struct("url weight:number preservePath:boolean scheme port"),
          }),
        },
      },
    ],
    middlewares: ["map of", middleware],
  }),
  tcp: freely,
  udp: freely,
  tls: freely,
};
