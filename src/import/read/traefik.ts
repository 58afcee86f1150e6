/** A guest's Traefik: its static configuration, its dynamic files, and what its API says of other providers. */
import { paths } from "../../components/traefik/compile.ts";
import { TransportError } from "../../errors.ts";
import { ports } from "../../fabric/ports.ts";
import {
  type JsonObject,
  member,
  membersOf,
  objectsOf,
  parseJson,
  textOf,
} from "../../formats/json/index.ts";
import { declaredEntries } from "../../formats/traefik/foreign.ts";
import { dynamicHash, parseConfiguration } from "../../formats/traefik/index.ts";
import type { FoundRouter, FoundTraefik } from "../found/web.ts";
import type { FoundGuest, ReadIo, Source } from "../found.ts";
import { addressOf } from "../guests.ts";
import { type Declarations, foundRouters } from "../traefik/routers.ts";
import { type StaticConfiguration, staticConfiguration } from "../traefik/static.ts";
import { entriesOn, filesOn, outputOn } from "./files.ts";

/** Where Traefik looks for its static configuration unless it is told (3.x), and where units and guides put it. */
const staticFiles = [paths.static, "/etc/traefik/traefik.yaml", "/etc/traefik/traefik.toml"];

interface DynamicFile {
  readonly source: Source;
  readonly text: string;
  readonly value: JsonObject;
}

/** How a Traefik was started, and where its guest has what it sees. */
export interface TraefikPlace {
  readonly argv: readonly string[];
  pathOf(path: string): string | undefined;
  portOf(port: number): number | undefined;
}

/** The Traefik that a unit of the guest runs. */
export async function readTraefik(io: ReadIo, guest: FoundGuest): Promise<FoundTraefik> {
  const show = ["systemctl", "show", "traefik.service", "--property=ExecStart"];
  const shown = await outputOn(io, guest.host, show, true);
  const argv = /argv\[\]=(.*?) ;/.exec(shown ?? "")?.[1]?.split(/\s+/) ?? [];
  return traefikAt(io, guest, { argv, pathOf: (path) => path, portOf: (port) => port });
}

export async function traefikAt(io: ReadIo, guest: FoundGuest, place: TraefikPlace): Promise<FoundTraefik> {
  const { host } = guest;
  const { source, settings } = await readStatic(io, guest, place);
  const files = await dynamicFiles(io, guest, settings, place);
  const declared = declarationsOf(files.map(({ value }) => value));
  const context = { host, defaultEntryPoints: settings.defaultEntryPoints };
  const fromFiles = files.flatMap((file) =>
    foundRouters(
      { ...declared, routers: membersOf(member(file.value.http, "routers")) },
      {
        ...context,
        provider: "file",
        isOurs: isOurs(file),
        sourceOf: linesOf(file),
      },
    ),
  );
  for (const file of files) tellOthers(io, file);
  const { entryPoints, providers } = settings;
  const fromApi = await readApi(io, guest, settings, place);
  const known = new Set(fromFiles.map(({ name }) => name));
  const routers = [
    ...fromFiles,
    // Those of files that could not be read here, and those of other providers.
    ...fromApi.filter(({ provider, name }) => provider !== "file" || !known.has(name)),
  ];
  return {
    host,
    source,
    isOurs: files.some(isOurs),
    entryPoints,
    providers,
    routers,
    certificates: files.flatMap(certificatesIn),
  };
}

async function readStatic(
  io: ReadIo,
  { host }: FoundGuest,
  { argv, pathOf }: TraefikPlace,
): Promise<{ readonly source: Source; readonly settings: StaticConfiguration }> {
  const named = argv.flatMap((word, at) => {
    const [, value] = /^--?configfile(?:=(.*))?$/i.exec(word) ?? [];
    return /^--?configfile/i.test(word) ? [value ?? argv[at + 1] ?? ""] : [];
  });
  const usual = [...named.filter((path) => path.startsWith("/")), ...staticFiles];
  const files = await filesOn(
    io,
    host,
    usual.flatMap((path) => pathOf(path) ?? []),
  );
  const [found] = files;
  if (found === undefined)
    return { source: { host, path: paths.static }, settings: staticConfiguration({}, argv) };
  const [path, { text }] = found;
  const source = { host, path };
  if (path.endsWith(".toml")) {
    const what = "Traefik's static configuration";
    io.left({
      source,
      what,
      reason: "import reads YAML, not TOML: its entry points and providers are unknown",
    });
  }
  return {
    source,
    settings: staticConfiguration(path.endsWith(".toml") ? {} : parseConfiguration(text), argv),
  };
}

async function dynamicFiles(
  io: ReadIo,
  { host }: FoundGuest,
  { directory = paths.directory, filename }: StaticConfiguration,
  { pathOf }: TraefikPlace,
): Promise<readonly DynamicFile[]> {
  const [watched, single] = [pathOf(directory), filename && pathOf(filename)];
  const entries = watched === undefined ? [] : await entriesOn(io, host, watched);
  // Traefik (3.x) reads directories below as well.
  const deeper = await Promise.all(
    entries.filter((path) => !/\.[^/]+$/.test(path)).map((path) => entriesOn(io, host, path)),
  );
  const all = [...(single === undefined ? [] : [single]), ...entries, ...deeper.flat()];
  for (const path of all.filter((each) => each.endsWith(".toml")))
    io.left({
      source: { host, path },
      what: "routers, services and middlewares in it",
      reason: "import reads YAML, not TOML; what Traefik's API tells of them is read",
    });
  const files = await filesOn(
    io,
    host,
    all.filter((path) => /\.ya?ml$/i.test(path)),
  );
  return [...files].flatMap(([path, { text }]) => {
    const value = parseConfiguration(text);
    const source = { host, path };
    const isTemplate = text.includes("{{") && path !== paths.configuration;
    if (isTemplate || (Object.keys(value).length === 0 && text.trim() !== "")) {
      const reason = isTemplate ? "it is a template" : "it cannot be read as YAML";
      io.left({ source, what: "routers, services and middlewares in it", reason });
    }
    return isTemplate ? [] : [{ source, text, value }];
  });
}

/** The file that Phoenix writes. */
function isOurs({ source, text }: DynamicFile): boolean {
  return source.path === paths.configuration && dynamicHash(text) !== undefined;
}

/** Everything that the files declare, which names each other across files. */
function declarationsOf(values: readonly JsonObject[]): Omit<Declarations, "routers"> {
  const all = (section: string, kind: string): JsonObject =>
    Object.assign({}, ...values.map((value) => membersOf(member(value[section], kind)))) as JsonObject;
  return {
    services: all("http", "services"),
    middlewares: all("http", "middlewares"),
    transports: all("http", "serversTransports"),
    tlsOptions: all("tls", "options"),
  };
}

function linesOf({ source, text }: DynamicFile): (router: string) => Source {
  const lines = new Map(
    declaredEntries(text).flatMap(({ kind, name, line }) => (kind === "router" ? [[name, line]] : [])),
  );
  return (router) => {
    const line = lines.get(router);
    return line === undefined ? source : { ...source, line };
  };
}

/** What a site cannot express of a file: routes that are not HTTP. */
function tellOthers(io: ReadIo, { source, value }: DynamicFile): void {
  for (const kind of ["tcp", "udp"])
    for (const name of Object.keys(membersOf(member(value[kind], "routers"))))
      io.left({ source, what: `${kind} router ${name}`, reason: "a site routes HTTP only" });
}

function certificatesIn({ source, value }: DynamicFile): FoundTraefik["certificates"] {
  return objectsOf(member(value.tls, "certificates")).flatMap((each) => {
    const [certPath, keyPath] = [textOf(each, "certFile"), textOf(each, "keyFile")];
    return certPath.startsWith("/") && keyPath.startsWith("/") ? [{ certPath, keyPath, source }] : [];
  });
}

/** The routers that Traefik's API knows; none where it does not answer: it is off in most installations. */
async function readApi(
  io: ReadIo,
  guest: FoundGuest,
  { entryPoints, defaultEntryPoints }: StaticConfiguration,
  { portOf }: TraefikPlace,
): Promise<readonly FoundRouter[]> {
  const address = addressOf(guest);
  const port = portOf(entryPoints.traefik ?? ports.meshApi);
  if (address === undefined || port === undefined) return [];
  const path = `http://${address}:${port}/api/rawdata`;
  const raw = await rawData(io, path);
  return raw === undefined ? [] : apiRouters(raw, { host: guest.host, path }, defaultEntryPoints);
}

async function rawData(io: ReadIo, url: string): Promise<JsonObject | undefined> {
  try {
    const { status, text } = await io.network.request({
      method: "GET",
      url,
      effect: "read",
      timeoutMs: 3_000,
    });
    return status === 200 ? membersOf(parseJson(text)) : undefined;
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
}

/** @param raw the answer of `/api/rawdata` (3.x): names have their providers */
export function apiRouters(
  raw: JsonObject,
  source: Source & { readonly host: FoundGuest["host"] },
  defaultEntryPoints: readonly string[],
): readonly FoundRouter[] {
  const sections = {
    services: membersOf(raw.services),
    middlewares: membersOf(raw.middlewares),
    transports: {},
    tlsOptions: {},
  };
  return Object.entries(membersOf(raw.routers)).flatMap(([name, value]) => {
    const written = name.split("@").at(-1);
    const provider = written === "file" || written === "docker" ? written : "other";
    // A service without a provider is of the router's own.
    const router = membersOf(value);
    const service = textOf(router, "service");
    const qualified = service === "" || service.includes("@") ? service : `${service}@${written}`;
    return foundRouters(
      { ...sections, routers: { [name]: { ...router, service: qualified } } },
      { host: source.host, provider, isOurs: false, defaultEntryPoints, sourceOf: () => source },
    );
  });
}
