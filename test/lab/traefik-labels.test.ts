/**
 * The product against the lab's Docker provider, over labels that nobody wrote down: what the product takes without a fault, that
 * Traefik serves; and what the product writes from it, the file provider serves as well.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DynamicConfiguration, decodeDynamic } from "../../lab/traefik/decode.ts";
import { labelConfiguration } from "../../lab/traefik/labels.ts";
import { traefikRuntime } from "../../lab/traefik/runtime.ts";
import { translateLabels } from "../../src/fabric/routes/index.ts";
import { dynamicConfig } from "../../src/formats/traefik/index.ts";

const router = "traefik.http.routers.app";
const service = "traefik.http.services.app.loadbalancer";
const middleware = "traefik.http.middlewares.m";

/** Values of every kind, right and wrong. */
const values = [
  ...[
    "",
    " ",
    "true",
    "True",
    "t",
    "yes",
    " true",
    "0",
    "1",
    "+5",
    "-1",
    " 5",
    "1.5",
    "1_000",
    "0x10",
    "404",
    "99",
    "509",
  ],
  ...[
    "9223372036854775807",
    "9223372036854775808",
    "10s",
    "1m30s",
    "10",
    "1d",
    "10 s",
    "-1s",
    "1.5h",
    ".5s",
    "fast",
  ],
  ...[
    "10.0.0.0/8",
    "10.0.0.0/33",
    "::1",
    "fe80::1%eth0",
    "nas",
    "10.0.0.1, 10.0.0.2",
    "10.0.0.1,",
    "010.0.0.1",
  ],
  ...["^/x", "(x", "(?!x)", "x{1,2}", "[a-", "\\d+", "a/b", "text/html", "a b", "500-505", "5xx", "500,404"],
  ...[
    "u:$apr1$x$y",
    "u",
    "u:a:b",
    "/x",
    "https",
    "web",
    "websecure",
    "ghost",
    "web,ghost",
    "WEB",
    "m",
    "m@docker",
    "n",
  ],
  ...[
    "NetworkErrorRatio() > 0.5",
    "NetworkErrorRatio() > 1",
    "Attempts() < 2",
    "gzip",
    "br",
    "lax",
    "GET",
    "http://10.0.0.1:9",
  ],
];

const keys = [
  ...["rule", "entrypoints", "middlewares", "middlewares[0]", "priority", "service", "tls", "nosuch"].map(
    (each) => `${router}.${each}`,
  ),
  ...`server.port server.scheme server.url server.weight passhostheader sticky sticky.cookie sticky.cookie.name sticky.cookie.secure
     sticky.cookie.maxage healthcheck healthcheck.path healthcheck.interval healthcheck.timeout healthcheck.port healthcheck.status
     healthcheck.followredirects responseforwarding.flushinterval serverstransport strategy nosuch`
    .split(/\s+/)
    .map((each) => `${service}.${each}`),
  ...`addprefix addprefix.prefix stripprefix.prefixes stripprefix.prefixes[0] stripprefix.forceslash stripprefixregex.regex
     replacepath.path replacepathregex.regex replacepathregex.replacement chain.middlewares ipallowlist.sourcerange
     ipallowlist.rejectstatuscode ipallowlist.ipstrategy ipallowlist.ipstrategy.depth ipallowlist.ipstrategy.excludedips
     ipwhitelist.sourcerange headers.customrequestheaders.X-A headers.framedeny headers.stsseconds headers.allowedhosts
     headers.accesscontrolalloworiginlistregex headers.sslredirect headers.featurepolicy ratelimit.average ratelimit.period
     ratelimit.burst ratelimit.sourcecriterion ratelimit.sourcecriterion.requesthost ratelimit.sourcecriterion.requestheadername
     ratelimit.sourcecriterion.ipstrategy.depth inflightreq.amount inflightreq.sourcecriterion.requesthost redirectregex.regex
     redirectregex.replacement redirectscheme.scheme redirectscheme.permanent basicauth.users basicauth.realm basicauth.usersfile
     digestauth.users forwardauth.address forwardauth.authresponseheadersregex forwardauth.tls.ca buffering.maxrequestbodybytes
     buffering.memrequestbodybytes buffering.retryexpression circuitbreaker.expression circuitbreaker.checkperiod compress
     compress.excludedcontenttypes compress.includedcontenttypes compress.minresponsebodybytes compress.defaultencoding
     compress.encodings retry.attempts retry.initialinterval contenttype contenttype.autodetect grpcweb.alloworigins
     passtlsclientcert.pem passtlsclientcert.info.subject.commonname plugin.demo.a nosuch.x`
    .split(/\s+/)
    .map((each) => `${middleware}.${each}`),
  "traefik.http.middlewares.n.compress",
  "traefik.docker.network",
  "traefik.docker.nosuch",
];

const point = { port: 80, trusted: [] };
const fixed = {
  entryPoints: { web: point, websecure: point, http: point, https: point },
  watch: true,
  api: false,
  ping: false,
};

/** Why Traefik does not serve every router. */
function refusals(dynamic: DynamicConfiguration, log: readonly string[] = []): readonly string[] {
  const { routers } = traefikRuntime(fixed, dynamic);
  return [...log, ...routers.flatMap(({ status, errors }) => (status === "disabled" ? errors : []))];
}

test("what is taken without a fault, Traefik serves", () => {
  const label = fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values));
  let taken = 0;
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 3 }), (more) => {
      const labels = {
        "traefik.enable": "true",
        [`${router}.rule`]: "Host(`a.test`)",
        [`${router}.middlewares`]: "m",
        ...Object.fromEntries(more),
      };
      if (!Object.keys(labels).some((key) => key.startsWith(middleware)))
        delete (labels as Record<string, string>)[`${router}.middlewares`];
      const { routes, faults } = translateLabels([
        {
          stack: "recorded",
          service: "app",
          address: "10.0.0.9",
          ports: [{ target: 80, published: 8080, protocol: "tcp", place: { line: 1, column: 1 } }],
          labels: Object.entries(labels).map(([key, value]) => ({
            key,
            value,
            from: { file: "x.yml", line: 1, column: 1 },
          })),
        },
      ]);
      if (faults.length > 0) return;
      taken += 1;
      const text = JSON.stringify(labels);
      const container = { name: "app-recorded", labels, address: "127.0.1.1", ports: [80] };
      const { dynamic, log } = labelConfiguration([container]);
      expect(refusals(dynamic, log), text).toEqual([]);
      expect(refusals(decodeDynamic(dynamicConfig({ routes, rootFile: "/root.crt" }))), text).toEqual([]);
    }),
    { numRuns: 4_000 },
  );
  expect(taken).toBeGreaterThan(200);
});
