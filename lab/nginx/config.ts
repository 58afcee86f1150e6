/** Nginx's configuration as it reads it: the main file with its includes in their places. */

import type { HostName } from "../../src/resource.ts";
import type { Lab } from "../parts.ts";
import { type Directive, NginxSyntaxError, parseNginx } from "./parse.ts";

/** A directive and the file it stands in. */
export interface NginxDirective {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly NginxDirective[];
  readonly file: string;
  readonly line: number;
}

/** What Nginx ends with before it starts: the text after "[emerg] ". */
export class NginxEmergency extends Error {}

export interface NginxSource {
  /** A file's text, undefined when it is not there. */
  text(path: string): string | undefined;
  /** Names in a directory, sorted. */
  list(directory: string): readonly string[];
}

/** The files of a host. */
export function nginxSource({ files }: Pick<Lab, "files">, host: HostName): NginxSource {
  return {
    text: (path) => (files.status(host, path)?.kind === "file" ? files.text(host, path) : undefined),
    list: (directory) =>
      files.status(host, directory)?.kind === "directory" ? files.list(host, directory) : [],
  };
}

/** Reads a configuration. @throws NginxEmergency for syntax and missing files */
export function readNginx(source: NginxSource, main: string): readonly NginxDirective[] {
  const base = main.slice(0, main.lastIndexOf("/"));
  const text = source.text(main);
  if (text === undefined) throw new NginxEmergency(notThere(main));
  return expand(source, base, main, text);
}

function expand(source: NginxSource, base: string, file: string, text: string): readonly NginxDirective[] {
  const located = (directive: Directive): readonly NginxDirective[] => {
    const { name, args, line, block } = directive;
    if (name === "include" && block === undefined)
      return included(source, base, `${file}:${line}`, args[0] ?? "");
    return [{ name, args, file, line, ...(block === undefined ? {} : { block: block.flatMap(located) }) }];
  };
  try {
    return parseNginx(text).flatMap(located);
  } catch (error) {
    if (!(error instanceof NginxSyntaxError)) throw error;
    throw new NginxEmergency(`${error.message} in ${file}:${error.line}`);
  }
}

function included(source: NginxSource, base: string, at: string, pattern: string): readonly NginxDirective[] {
  const path = pattern.startsWith("/") ? pattern : `${base}/${pattern}`;
  if (!/[*?[]/.test(path)) {
    const text = source.text(path);
    if (text === undefined) throw new NginxEmergency(`${notThere(path)} in ${at}`);
    return expand(source, base, path, text);
  }
  const directory = path.slice(0, path.lastIndexOf("/"));
  const names = globPattern(path.slice(directory.length + 1));
  return source
    .list(directory)
    .filter((name) => names.test(name))
    .flatMap((name) => {
      const file = `${directory}/${name}`;
      const text = source.text(file);
      if (text === undefined) throw new NginxEmergency(`${notThere(file)} in ${at}`);
      return expand(source, base, file, text);
    });
}

/** glob(3): a star does not match a leading dot. */
function globPattern(glob: string): RegExp {
  const body = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${glob.startsWith(".") ? "" : "(?!\\.)"}${body}$`);
}

function notThere(path: string): string {
  return `open() "${path}" failed (2: No such file or directory)`;
}

/** The directives called `name` of a block. */
export function named(block: readonly NginxDirective[] | undefined, name: string): readonly NginxDirective[] {
  return (block ?? []).filter((directive) => directive.name === name);
}

/** The http block's directives. */
export function httpBlock(configuration: readonly NginxDirective[]): readonly NginxDirective[] {
  return named(configuration, "http").flatMap(({ block }) => block ?? []);
}

export interface Listen {
  readonly port: number;
  /** "0.0.0.0:443", "[::]:443": as Nginx names it. */
  readonly address: string;
  readonly ssl: boolean;
  readonly isDefault: boolean;
}

/** A `listen` directive's meaning; undefined for a unix socket. @throws NginxEmergency */
export function listenOf({ args, file, line }: NginxDirective): Listen | undefined {
  const [where = "", ...parameters] = args;
  if (where.startsWith("unix:")) return undefined;
  const text = /^\d+$/.test(where) ? `0.0.0.0:${where}` : where;
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text);
  const port = Number(match?.[2] ?? 80);
  if (match === null || port < 1 || port > 65535)
    throw new NginxEmergency(`invalid port in "${where}" of the "listen" directive in ${file}:${line}`);
  const address = `${match[1] === "*" || match[1] === "" ? "0.0.0.0" : match[1]}:${port}`;
  return { port, address, ssl: parameters.includes("ssl"), isDefault: parameters.includes("default_server") };
}

/** What a server listens on; plain port 80 when it does not say. */
export function listensOf(server: NginxDirective): readonly Listen[] {
  const directives = named(server.block, "listen");
  if (directives.length === 0) return [{ port: 80, address: "0.0.0.0:80", ssl: false, isDefault: false }];
  return directives.flatMap((directive) => listenOf(directive) ?? []);
}

export function serverNames(server: NginxDirective): readonly string[] {
  const names = named(server.block, "server_name").flatMap(({ args }) => args);
  return names.length === 0 ? [""] : names.map((name) => name.toLowerCase());
}
