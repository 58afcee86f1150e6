/** The server blocks of an Nginx configuration, name by name. Pure. */
import { defined } from "../../defined.ts";
import type { ExpandedConfiguration, LocatedDirective } from "../../formats/nginx/includes.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundLocation, FoundOptions, FoundServer, Remark } from "../found/web.ts";
import type { Left, Source } from "../found.ts";
import { isExploitFilter, protectionsIn, treatmentsIn, wordsOf } from "./protections.ts";
import { returnedTarget, targetOf } from "./targets.ts";
import { variablesOf } from "./variables.ts";

export interface ReadServers {
  readonly servers: readonly FoundServer[];
  readonly left: readonly Left[];
}

/** @param isOurs whether a file is one that Phoenix writes */
export function foundServers(
  host: GuestName,
  { directives, missing, faults }: ExpandedConfiguration,
  isOurs: (file: string) => boolean,
): ReadServers {
  const http = blocksOf(directives, "http");
  const context: Context = { host, http, isOurs, sourceOf: ({ file, line }) => ({ host, path: file, line }) };
  const servers = http.filter(({ name, block }) => name === "server" && block !== undefined);
  return {
    servers: servers.flatMap((server) => namesOf(server).map((name) => serverOf(server, name, context))),
    left: [
      ...missing.map((each) => ({
        source: context.sourceOf(each),
        what: `include ${each.args[0] ?? ""}`,
        reason: "the file is not there: Nginx refuses its configuration as it is on disk",
      })),
      ...faults.map(({ file, line, message }) => ({
        source: { host, path: file, line },
        what: `the servers of ${file}`,
        reason: `the file cannot be read: ${message}`,
      })),
      ...streamsOf(directives, context),
    ],
  };
}

interface Context {
  readonly host: GuestName;
  /** The directives of the http block. */
  readonly http: readonly LocatedDirective[];
  readonly isOurs: (file: string) => boolean;
  sourceOf(directive: LocatedDirective): Source;
}

type Block = readonly LocatedDirective[];

function blocksOf(directives: Block, name: string): Block {
  return directives.filter((each) => each.name === name).flatMap(({ block = [] }) => block);
}

/** The names of a server; one that starts with a dot stands for two. */
function namesOf({ block = [] }: LocatedDirective): readonly string[] {
  const written = block.filter(({ name }) => name === "server_name").flatMap(({ args }) => args);
  const names = written.flatMap((name) => {
    const lower = name.startsWith("~") ? name : name.toLowerCase();
    return /^\.\w/.test(lower) ? [lower.slice(1), `*${lower}`] : [lower === "_" ? "" : lower];
  });
  return names.length === 0 ? [""] : [...new Set(names)];
}

function serverOf(server: LocatedDirective, name: string, context: Context): FoundServer {
  const { host, http, isOurs, sourceOf } = context;
  const block = server.block ?? [];
  const upstreams = http.filter((each) => each.name === "upstream");
  const maps = http.filter((each) => each.name === "map");
  const inner = locationsIn(block);
  const locations = inner.flatMap(({ directive, path, outer }): FoundLocation[] => {
    const own = directive.block ?? [];
    const target = targetOf(
      own,
      [...outer, ...block],
      upstreams,
      variablesOf([block, ...[outer], own], maps, name),
    );
    return target === undefined ? [] : [{ path, target, source: sourceOf(directive) }];
  });
  const main = inner.find(({ path }) => path === "/")?.directive.block ?? [];
  const all = [http, block, ...inner.map(({ directive }) => directive.block ?? [])];
  const remarks = (found: Block): readonly Remark[] =>
    found.map((each) => ({ what: wordsOf(each), source: sourceOf(each) }));
  return defined({
    name,
    host,
    source: sourceOf(server),
    listens: listensOf(block),
    certificate: certificateOf([block, http], sourceOf),
    locations: [...locations, ...wholeServer(server, inner.length > 0, sourceOf)],
    protections: remarks([...all.flatMap(protectionsIn), ...restrictedTypes(inner)]),
    treatments: remarks([...all.slice(1).flatMap(treatmentsIn), ...filtersIn(block)]),
    options: optionsOf([main, block, http]),
    isOurs: isOurs(server.file),
  });
}

interface Located {
  readonly directive: LocatedDirective;
  readonly path: string;
  /** The directives of the locations around it. */
  readonly outer: Block;
}

/** Locations at every depth. */
function locationsIn(block: Block, outer: Block = []): readonly Located[] {
  return block
    .filter(({ name }) => name === "location")
    .flatMap((directive) => {
      const own = directive.block ?? [];
      const [first = "", second] = directive.args;
      const path = second === undefined ? first : first === "^~" ? second : `${first} ${second}`;
      return [{ directive, path, outer }, ...locationsIn(own, [...own, ...outer])];
    });
}

/** What a server does itself with every request: `return`, or a redirect that all but the locations' requests get. */
function wholeServer(
  { block = [], ...server }: LocatedDirective,
  hasLocations: boolean,
  sourceOf: Context["sourceOf"],
): readonly FoundLocation[] {
  const returned = block.find(({ name }) => name === "return");
  if (returned !== undefined)
    return [{ path: "/", target: returnedTarget(returned.args), source: sourceOf(returned) }];
  const root = block.find(({ name }) => name === "root");
  if (hasLocations || root === undefined) return [];
  return [
    {
      path: "/",
      target: { kind: "other", what: `files of ${root.args[0] ?? ""}` },
      source: sourceOf(server),
    },
  ];
}

/** Locations with `internal` are for requests of Nginx itself. */
function restrictedTypes(inner: readonly Located[]): Block {
  return inner.flatMap(({ directive, path }) =>
    path === "/" ? (directive.block ?? []).filter(({ name }) => name === "internal") : [],
  );
}

/** Nginx Proxy Manager's filter of query strings, once. */
function filtersIn(block: Block): Block {
  return block.filter(({ name, file }) => name === "if" && isExploitFilter(file)).slice(0, 1);
}

function listensOf(block: Block): FoundServer["listens"] {
  const written = block.filter(({ name }) => name === "listen");
  if (written.length === 0) return [{ port: 80, isTls: false, isDefault: false }];
  const isOn = block.some(({ name, args }) => name === "ssl" && args[0] === "on");
  return written.flatMap(({ args: [where = "", ...words] }) => {
    const [, port] =
      /^(?:(?:\[[^\]]*\]|[^:]*):)?(\d+)$/.exec(where) ?? (where.startsWith("unix:") ? [] : ["", "80"]);
    if (port === undefined) return [];
    const isDefault = words.includes("default_server") || words.includes("default");
    return [
      { port: Number(port), isTls: isOn || words.includes("ssl") || words.includes("quic"), isDefault },
    ];
  });
}

function certificateOf(
  levels: readonly Block[],
  sourceOf: Context["sourceOf"],
): FoundServer["certificate"] | undefined {
  const find = (name: string): LocatedDirective | undefined =>
    levels.map((level) => level.find((each) => each.name === name)).find((each) => each !== undefined);
  const [certificate, key] = [find("ssl_certificate"), find("ssl_certificate_key")];
  const [certPath = "", keyPath = ""] = [certificate?.args[0], key?.args[0]];
  if (certificate === undefined || !certPath.startsWith("/") || !keyPath.startsWith("/")) return undefined;
  return { certPath, keyPath, source: sourceOf(certificate) };
}

/** What the innermost level says. */
function optionsOf(levels: readonly Block[]): FoundOptions {
  const given = (name: string): string | undefined =>
    levels
      .map((level) => level.find((each) => each.name === name)?.args[0])
      .find((each) => each !== undefined);
  const buffering = given("proxy_buffering");
  return defined({
    maxBodyBytes: amount(given("client_max_body_size"), { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }),
    readTimeoutSeconds: seconds(given("proxy_read_timeout")),
    buffering: buffering === undefined ? undefined : buffering === "on",
  });
}

/** Nginx's times: "90", "90s", "5m", "1h30m"; milliseconds are rounded up. */
function seconds(text: string | undefined): number | undefined {
  const parts = text === undefined ? [] : [...text.matchAll(/(\d+)(ms|[smhdw]?)/g)];
  if (text === undefined || parts.map(([whole]) => whole).join("") !== text.replaceAll(" ", ""))
    return undefined;
  const factors: Readonly<Record<string, number>> = {
    ms: 0.001,
    "": 1,
    s: 1,
    m: 60,
    h: 3600,
    d: 86_400,
    w: 604_800,
  };
  const sum = parts.reduce(
    (total, [, digits, unit = ""]) => total + Number(digits) * (factors[unit] ?? 0),
    0,
  );
  return sum === 0 ? undefined : Math.ceil(sum);
}

function amount(text: string | undefined, factors: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ""] = /^(\d+)([kmg]?)$/i.exec(text ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits) * (factors[unit.toLowerCase()] ?? 1);
}

/** TCP, UDP and mail that Nginx passes on: a site routes HTTP. */
function streamsOf(directives: Block, { sourceOf }: Context): readonly Left[] {
  return ["stream", "mail"].flatMap((kind) =>
    blocksOf(directives, kind)
      .filter(({ name }) => name === "server")
      .map((server): Left => {
        const [listen, pass] = ["listen", "proxy_pass"].map((name) =>
          server.block?.find((each) => each.name === name)?.args.join(" "),
        );
        const what = `${kind} server ${listen ?? ""}${pass === undefined ? "" : ` to ${pass}`}`;
        return { source: sourceOf(server), what, reason: "a site routes HTTP only" };
      }),
  );
}
