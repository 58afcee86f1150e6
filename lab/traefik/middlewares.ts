/** Why Traefik cannot build a middleware, in its words (3.7.15). Pure: files that a middleware names are not there. */
import { STATUS_CODES } from "node:http";
import { compileRegexp, GoError, isAddressOrNetwork, parseDuration } from "./go.ts";
import { breakerFunctions, checkCondition, retryFunctions } from "./predicate.ts";
import { fieldsOf, stringsOf } from "./values.ts";

type Options = Readonly<Record<string, unknown>>;

/** @throws GoError */
type Check = (options: Options) => void;

/** The reason, for a middleware's one type and its options; whether what it names exists is not asked here. */
export function buildFault(type: string, options: Options): string | undefined {
  try {
    checks[type]?.(options);
    return undefined;
  } catch (error) {
    if (error instanceof GoError) return error.message;
    throw error;
  }
}

const users =
  (parts: number, type: string): Check =>
  (options) => {
    if (textOf(options.usersFile) !== "")
      fail(`open ${textOf(options.usersFile)}: no such file or directory`);
    const listed = stringsOf(options.users);
    for (const user of listed)
      if (user.split(":").length !== parts) fail(`error parsing ${type}User: ${user}`);
    if (listed.length === 0 && type === "Basic") fail("no users found in ");
  };

const allowList =
  (name: string): Check =>
  ({ sourceRange, ipStrategy, rejectStatusCode }) => {
    const ranges = stringsOf(sourceRange);
    if (ranges.length === 0) fail(`sourceRange is empty, ${name} not created`);
    const status = Number(rejectStatusCode ?? 0);
    // Go knows no 509.
    if (status !== 0 && (STATUS_CODES[status] === undefined || status === 509))
      fail(`invalid HTTP status code ${status}`);
    for (const range of ranges)
      if (!isAddressOrNetwork(range)) fail(`cannot parse CIDRs [${ranges.join(" ")}]: ${cidrFault(range)}`);
    checkStrategy(ipStrategy);
  };

const limiter =
  (words: string): Check =>
  ({ sourceCriterion }) => {
    const { ipStrategy, requestHost, requestHeaderName } = fieldsOf(sourceCriterion);
    const byHost = requestHost === true;
    const byHeader = textOf(requestHeaderName) !== "";
    if (ipStrategy !== undefined && byHeader)
      fail(`${words}iPStrategy and RequestHeaderName are mutually exclusive`);
    if (ipStrategy !== undefined && byHost) fail(`${words}iPStrategy and RequestHost are mutually exclusive`);
    if (byHost && byHeader) fail(`${words}requestHost and RequestHeaderName are mutually exclusive`);
    checkStrategy(ipStrategy, words);
  };

const encodings: readonly string[] = ["zstd", "br", "gzip"];

const checks: Readonly<Record<string, Check>> = {
  addPrefix: ({ prefix }) => {
    if (textOf(prefix) === "") fail("prefix cannot be empty");
  },
  stripPrefixRegex: ({ regex }) => {
    for (const each of stringsOf(regex)) compileRegexp(each.trim());
  },
  replacePathRegex: ({ regex }) => compileWith(textOf(regex).trim()),
  redirectRegex: ({ regex }) => void compileRegexp(textOf(regex)),
  redirectScheme: ({ scheme }) => {
    if (textOf(scheme) === "") fail("you must provide a target scheme");
  },
  ipAllowList: allowList("IPAllowLister"),
  ipWhiteList: allowList("IPWhiteLister"),
  headers: (options) => {
    // Seconds of HSTS count when they are there at all.
    if (options.stsSeconds === undefined && !Object.values(options).some(isSet))
      fail("headers configuration not valid");
    for (const each of stringsOf(options.accessControlAllowOriginListRegex))
      prefixed("error occurred during origin parsing: ", () => compileRegexp(each));
  },
  errors: ({ status }) => {
    for (const number of stringsOf(status).flatMap((range) => range.split("-").slice(0, 2)))
      if (!/^[+-]?\d+$/.test(number)) fail(`strconv.Atoi: parsing ${JSON.stringify(number)}: invalid syntax`);
  },
  rateLimit: (options) => {
    limiter("getting source extractor: ")(options);
    const period = textOf(options.period);
    if (period !== "" && parseDuration(period) < 0) fail(`negative value not valid for period: ${period}`);
  },
  inFlightReq: limiter("error creating requests limiter: "),
  basicAuth: users(2, "Basic"),
  digestAuth: users(3, "Digest"),
  forwardAuth: ({ authResponseHeadersRegex, tls }) => {
    const { ca: root, cert, key } = fieldsOf(tls);
    const ca = textOf(root);
    for (const [name, pem] of Object.entries({ cert: textOf(cert), key: textOf(key) }))
      if (pem !== "" && !pem.includes("-----BEGIN"))
        fail(`unable to create client TLS configuration: ${name} file does not exist`);
    if (ca !== "" && !ca.includes("-----BEGIN"))
      fail("unable to create client TLS configuration: failed to parse CA");
    compileWith(textOf(authResponseHeadersRegex));
  },
  buffering: (options) => {
    for (const name of ["maxRequestBodyBytes", "maxResponseBodyBytes"])
      if (Number(options[name] ?? 0) < 0) fail(`max bytes should be >= 0 got ${options[name]}`);
    for (const name of ["memRequestBodyBytes", "memResponseBodyBytes"])
      if (Number(options[name] ?? 0) < 0) fail(`mem bytes should be >= 0 got ${options[name]}`);
    const condition = textOf(options.retryExpression);
    if (condition !== "") checkCondition(condition, retryFunctions);
  },
  circuitBreaker: ({ expression }) => checkCondition(textOf(expression), breakerFunctions),
  compress: (options) => {
    const excluded = stringsOf(options.excludedContentTypes);
    const included = stringsOf(options.includedContentTypes);
    if (excluded.length > 0 && included.length > 0)
      fail("excludedContentTypes and includedContentTypes options are mutually exclusive");
    for (const type of excluded) checkMediaType(type, "excluded");
    for (const type of included) checkMediaType(type, "included");
    for (const encoding of stringsOf(options.encodings))
      if (!encodings.includes(encoding)) fail(`unsupported encoding: ${encoding}`);
    const preferred = textOf(options.defaultEncoding);
    if (preferred !== "" && !encodings.includes(preferred))
      fail(`unsupported default encoding: ${preferred}`);
  },
  retry: ({ attempts }) => {
    if (Number(attempts ?? 0) < 1) fail(`incorrect (or empty) value for attempt (${attempts ?? 0})`);
  },
  plugin: (options) => {
    const [name, ...more] = Object.keys(options);
    if (name === undefined || more.length > 0)
      fail("plugin: invalid configuration: no configuration or too many plugin definition");
    fail(`plugin: unknown plugin type: ${name}`);
  },
};

function checkStrategy(ipStrategy: unknown, words = ""): void {
  for (const address of stringsOf(fieldsOf(ipStrategy).excludedIPs))
    if (!isAddressOrNetwork(address)) fail(words + cidrFault(address));
}

/** mime.ParseMediaType, as far as it is about the type itself. */
function checkMediaType(type: string, which: string): void {
  const bare = (type.split(";", 1)[0] ?? "").trim();
  const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
  if (bare === "") fail(`parsing ${which} media type: mime: no media type`);
  if (new RegExp(`^${token}(?:/${token})?$`).test(bare)) return;
  const expected = /^[^/]*$/.test(bare) ? "slash after first token" : "token after slash";
  fail(`parsing ${which} media type: mime: expected ${expected}`);
}

function compileWith(regex: string): void {
  prefixed(`error compiling regular expression ${regex}: `, () => compileRegexp(regex));
}

function prefixed(words: string, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (error instanceof GoError) fail(words + error.message);
    throw error;
  }
}

function cidrFault(address: string): string {
  return `parsing CIDR trusted IPs <nil>: invalid CIDR address: ${address}`;
}

/** Anything but Go's zero of its type. */
function isSet(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return value !== "" && value !== false && value !== 0 && value !== undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function fail(message: string): never {
  throw new GoError(message);
}
