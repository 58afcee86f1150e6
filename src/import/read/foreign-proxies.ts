/** Proxies that Phoenix does not know: told with the names that their configuration shows, and left as they are. */

import type { FoundProgram } from "../found/web.ts";
import type { ReadIo, Source } from "../found.ts";
import { entriesOn, filesOn } from "./files.ts";

interface ForeignProxy {
  readonly file: string;
  /** A directory whose files belong to the configuration as well. */
  readonly directory?: string;
  /** What host names follow, or stand in, in its notation. */
  readonly names: RegExp;
}

const known: Readonly<Record<string, ForeignProxy>> = {
  // The addresses before a block at the beginning of a line.
  caddy: {
    file: "/etc/caddy/Caddyfile",
    directory: "/etc/caddy/conf.d",
    names: /^((?![\s({#]).*?)\s*\{\s*$/gm,
  },
  haproxy: {
    file: "/etc/haproxy/haproxy.cfg",
    names:
      /\b(?:hdr(?:_dom|_end|_beg)?\(host\)|req\.hdr\(host\)|(?:req\.)?ssl_(?:sni|fc_sni))((?:[ \t]+\S+)+)/g,
  },
  Apache: {
    file: "/etc/apache2/apache2.conf",
    directory: "/etc/apache2/sites-enabled",
    names: /^\s*Server(?:Name|Alias)\s+(.*)$/gim,
  },
  lighttpd: { file: "/etc/lighttpd/lighttpd.conf", names: /\$HTTP\["host"\]\s*=[=~]\s*"([^"]+)"/g },
  Envoy: { file: "/etc/envoy/envoy.yaml", names: /^\s*domains:\s*\[?(.*?)\]?$/gm },
};

/** A name shown, and how many are enough for a line. */
const most = 20;

/** Where a program that is not installed as usual has its files, and what it is called. */
export interface ForeignPlace {
  readonly title: string;
  /** Where the guest has a file of it; undefined where it has not. */
  pathOf(path: string): string | undefined;
}

export async function tellForeign(
  io: ReadIo,
  { program, host, source: unit, isRunning }: FoundProgram,
  place?: ForeignPlace,
): Promise<void> {
  const proxy = known[program];
  if (proxy === undefined) return;
  const pathOf = (path = ""): string | undefined => (place === undefined ? path : place.pathOf(path));
  const [file, directory] = [pathOf(proxy.file), proxy.directory && pathOf(proxy.directory)];
  const more = directory === undefined ? [] : await entriesOn(io, host, directory);
  const files = await filesOn(io, host, [...(file === undefined ? [] : [file]), ...more]);
  const names = [...new Set([...files.values()].flatMap(({ text }) => hostNames(text, proxy)))];
  const source: Source = file !== undefined && files.has(file) ? { host, path: file } : unit;
  const title = place?.title ?? (isRunning ? program : `${program}, which does not run`);
  io.left({
    source,
    what: `${title}${namesShown(names)}`,
    reason: "Phoenix does not read its configuration: what it serves is not in the site and stays with it",
  });
}

/** " for a.example, b.example …". */
export function namesShown(names: readonly string[]): string {
  if (names.length === 0) return "";
  return ` for ${names.slice(0, most).join(", ")}${names.length > most ? " …" : ""}`;
}

function hostNames(text: string, { names }: ForeignProxy): readonly string[] {
  return [...text.matchAll(names)].flatMap(([, found = ""]) =>
    found
      .split(/[\s,"']+/)
      .map((word) =>
        word
          .replace(/^https?:\/\//, "")
          .replace(/[:/].*$/, "")
          .toLowerCase(),
      )
      .filter((word) => /^[a-z0-9*-][a-z0-9-]*(?:\.[a-z0-9-]+)+$/.test(word)),
  );
}
