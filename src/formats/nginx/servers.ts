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
