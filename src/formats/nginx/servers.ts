/** The servers of somebody else's Nginx files, as far as they can get into the way of another one, and edits of their lines. Pure. */
import { type Directive, NginxSyntaxError, parseNginx } from "./parse.ts";

export interface NginxServer {
  readonly file: string;
  readonly line: number;
  readonly lastLine: number;
  /** Lower case. */
  readonly names: readonly string[];
  readonly listens: readonly NginxListen[];
  /** The lines of its `server_name` directives, first and last. */
  readonly nameLines: readonly (readonly [first: number, last: number])[];
}

export interface NginxListen {
  readonly line: number;
  /** As written: "443", "10.0.0.5:443", "[::]:80". */
  readonly written: string;
  readonly port: number;
  /** Of one address: it gets all connections to that address. */
  readonly isSpecific: boolean;
  readonly isDefault: boolean;
}

/** What `nginx -T` prints: every file that it reads, by its path. */
export function dumpedFiles(dump: string): ReadonlyMap<string, string> {
  const [, ...parts] = dump.split(/^# configuration file (.+):$\n/m);
  return new Map(
    parts.flatMap((part, at) =>
      at % 2 === 0 ? [[part, (parts[at + 1] ?? "").replace(/\n$/, "")] as const] : [],
    ),
  );
}

/** The servers of a file, in its order; none of a file that is not understood, which Nginx itself refuses. */
export function serversIn(file: string, text: string): readonly NginxServer[] {
  try {
    return serverBlocks(parseNginx(text)).map((server) => serverOf(file, server));
  } catch (error) {
    if (error instanceof NginxSyntaxError) return [];
    throw error;
  }
}

function serverBlocks(directives: readonly Directive[]): readonly Directive[] {
  return directives.flatMap((directive) => {
    if (directive.name === "http") return serverBlocks(directive.block ?? []);
    return directive.name === "server" && directive.block !== undefined ? [directive] : [];
  });
}

function serverOf(file: string, { line, lastLine, block = [] }: Directive): NginxServer {
  const named = (name: string): readonly Directive[] => block.filter((each) => each.name === name);
  const listens = named("listen").flatMap(listenOf);
  const standard = { line, written: "80", port: 80, isSpecific: false, isDefault: false };
  return {
    ...{ file, line, lastLine },
    names: named("server_name").flatMap(({ args }) => args.map((name) => name.toLowerCase())),
    listens: named("listen").length === 0 ? [standard] : listens,
    nameLines: named("server_name").map((each) => [each.line, each.lastLine] as const),
  };
}

function listenOf({ args: [written = "", ...parameters], line }: Directive): readonly NginxListen[] {
  const [, address = "", port] =
    /^(?:(\[[^\]]*\]|[^:]*):)?(\d+)$/.exec(written) ??
    (written.startsWith("unix:") ? [] : ["", written, "80"]);
  if (port === undefined) return [];
  const isSpecific = !["", "*", "0.0.0.0", "[::]"].includes(address);
  const isDefault = parameters.includes("default_server") || parameters.includes("default");
  return [{ line, written, port: Number(port), isSpecific, isDefault }];
}

/** What a client asks for. */
interface Asked {
  /** Lower case. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/**
 * The server that takes a connection, as Nginx chooses: those that listen on its very address before the others, then by
 * name, exact before wildcards before regular expressions, the first of equals, else the default. Undefined where none listens.
 * @param files in the order that Nginx reads them
 */
export function serverFor(
  files: ReadonlyMap<string, string>,
  { name, address, port }: Asked,
): (NginxServer & { readonly isDefault: boolean }) | undefined {
  const all = [...files].flatMap(([file, text]) => serversIn(file, text));
  const listening = (isMeant: (listen: NginxListen) => boolean): readonly NginxServer[] =>
    all.filter(({ listens }) => listens.some((listen) => listen.port === port && isMeant(listen)));
  const own = listening(({ isSpecific, written }) => isSpecific && written.startsWith(`${address}:`));
  const servers = own.length > 0 ? own : listening(({ isSpecific }) => !isSpecific);
  const parents = name.split(".").map((_, at, labels) => labels.slice(at).join("."));
  const wanted = [name, `.${name}`, ...parents.slice(1).flatMap((parent) => [`*.${parent}`, `.${parent}`])];
  for (const each of wanted) {
    const found = servers.find(({ names }) => names.includes(each));
    if (found !== undefined) return { ...found, isDefault: false };
  }
  const byPattern = servers.find(({ names }) => names.some((each) => matchesPattern(each, name)));
  if (byPattern !== undefined) return { ...byPattern, isDefault: false };
  const isDefault = ({ listens }: NginxServer): boolean =>
    listens.some((listen) => listen.port === port && listen.isDefault);
  const last = servers.find(isDefault) ?? servers[0];
  return last === undefined ? undefined : { ...last, isDefault: true };
}

/** "~^wiki\." of `server_name`; one that JavaScript cannot read matches nothing. */
function matchesPattern(written: string, name: string): boolean {
  if (!written.startsWith("~")) return false;
  try {
    return new RegExp(written.slice(1), "i").test(name);
  } catch {
    return false;
  }
}
