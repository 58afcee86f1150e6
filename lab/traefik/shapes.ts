/** What may stand in a file of Traefik's file provider: field names and kinds, as 3.7.15 knows them (checked against it). */

/** A value of any kind, one that must read as a number or boolean, members by name, or a map from free names. */
export type Field = "any" | "number" | "boolean" | Fields | readonly ["map of", Field];

export type Fields = { readonly [name: string]: Field };

/** "url weight:number": names with their kinds. */
function fields(text: string): Fields {
  return Object.fromEntries(
    text.split(" ").map((word) => {
      const [name = "", kind] = word.split(":");
      return [name, kind === "number" || kind === "boolean" ? kind : "any"];
    }),
  );
}

const router: Fields = {
  ...fields("entryPoints rule service middlewares priority:number ruleSyntax parentRefs"),
  tls: fields("options certResolver domains"),
  observability: fields("accessLogs:boolean metrics:boolean tracing:boolean traceVerbosity"),
};

const cookie = fields("name secure:boolean httpOnly:boolean sameSite maxAge:number path domain");

const loadBalancer: Fields = {
  ...fields("passHostHeader:boolean strategy passiveHealthCheck serversTransport"),
  servers: fields("url weight:number preservePath:boolean scheme port"),
  sticky: { cookie },
  healthCheck: fields(
    "scheme mode path method status:number port:number interval unhealthyInterval timeout hostname followRedirects:boolean headers",
  ),
  responseForwarding: fields("flushInterval"),
};

const service: Fields = {
  loadBalancer,
  weighted: {
    services: fields("name weight:number grpcStatus headers"),
    sticky: { cookie },
    healthCheck: "any",
  },
  mirroring: fields("service mirrors mirrorBody:boolean maxBodySize:number healthCheck"),
  failover: fields("service fallback healthCheck errors"),
  highestRandomWeight: fields("services healthCheck"),
};

const middleware: Fields = {
  ...fields(
    "ipAllowList ipWhiteList encodedCharacters errors rateLimit digestAuth forwardAuth inFlightReq buffering " +
      "circuitBreaker compress passTLSClientCert retry contentType grpcWeb plugin",
  ),
  addPrefix: fields("prefix"),
  stripPrefix: fields("prefixes forceSlash:boolean"),
  stripPrefixRegex: fields("regex"),
  replacePath: fields("path"),
  replacePathRegex: fields("regex replacement"),
  chain: fields("middlewares"),
  redirectRegex: fields("regex replacement permanent:boolean"),
  redirectScheme: fields("scheme port permanent:boolean"),
  basicAuth: fields("users usersFile realm removeHeader:boolean headerField"),
  headers: fields(
    "customRequestHeaders customResponseHeaders accessControlAllowCredentials:boolean accessControlAllowHeaders " +
      "accessControlAllowMethods accessControlAllowOriginList accessControlAllowOriginListRegex " +
      "accessControlExposeHeaders accessControlMaxAge:number addVaryHeader:boolean allowedHosts hostsProxyHeaders " +
      "sslProxyHeaders stsSeconds:number stsIncludeSubdomains:boolean stsPreload:boolean forceSTSHeader:boolean " +
      "frameDeny:boolean customFrameOptionsValue contentTypeNosniff:boolean browserXssFilter:boolean " +
      "customBrowserXSSValue contentSecurityPolicy contentSecurityPolicyReportOnly publicKey referrerPolicy " +
      "permissionsPolicy isDevelopment:boolean featurePolicy sslRedirect:boolean sslTemporaryRedirect:boolean " +
      "sslHost sslForceHost:boolean",
  ),
};

const serversTransport = fields(
  "serverName insecureSkipVerify:boolean rootCAs certificates cipherSuites minVersion maxVersion " +
    "maxIdleConnsPerHost:number disableHTTP2:boolean peerCertURI spiffe forwardingTimeouts",
);

/** The roots that Traefik knows; others are dropped without a word. */
export const roots: Fields = {
  http: {
    routers: ["map of", router],
    services: ["map of", service],
    middlewares: ["map of", middleware],
    serversTransports: ["map of", serversTransport],
    models: ["map of", "any"],
  },
  tcp: {
    routers: ["map of", "any"],
    services: ["map of", "any"],
    middlewares: ["map of", "any"],
    serversTransports: ["map of", "any"],
    models: ["map of", "any"],
  },
  udp: { routers: ["map of", "any"], services: ["map of", "any"] },
  tls: { certificates: "any", options: ["map of", "any"], stores: ["map of", "any"] },
};

/** Fields that mean something without any member. */
export const mayBeEmpty: ReadonlySet<string> = new Set([
  "tls",
  "compress",
  "sticky",
  "cookie",
  "grpcweb",
  "contenttype",
]);
