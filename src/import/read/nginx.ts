/** The sites of a guest's Nginx: what `nginx -T` prints, or the files themselves where Nginx refuses them. */
import { paths } from "../../components/nginx/compile.ts";
import { expandIncludes, globMatcher, includesOf } from "../../formats/nginx/includes.ts";
import { configurationHash } from "../../formats/nginx/index.ts";
import { dumpedFiles } from "../../formats/nginx/servers.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundServer } from "../found/web.ts";
import type { ReadIo } from "../found.ts";
import { foundServers } from "../nginx/servers.ts";
import { entriesOn, filesOn, outputOn } from "./files.ts";

const mainFile = "/etc/nginx/nginx.conf";

/** Includes of includes; more is a mistake. */
const rounds = 8;

export async function readNginx(io: ReadIo, host: GuestName): Promise<readonly FoundServer[]> {
  const { texts, main } = await filesOf(io, host);
  const isOurs = (file: string): boolean =>
    (file === paths.available || file === paths.enabled) &&
    configurationHash(texts.get(file) ?? "") !== undefined;
  const { servers, left } = foundServers(host, expandIncludes(texts, main), isOurs);
  for (const each of left) io.left(each);
  return servers;
}

async function filesOf(
  io: ReadIo,
  host: GuestName,
): Promise<{ readonly texts: ReadonlyMap<string, string>; readonly main: string }> {
  const dump = await outputOn(io, host, ["nginx", "-T", "-q"], true);
  const texts = dumpedFiles(dump ?? "");
  const [main] = texts.keys();
  return main === undefined
    ? { texts: await filesBelow(io, host, mainFile), main: mainFile }
    : { texts, main };
}

/** The main file and what it includes, as they are on disk. */
async function filesBelow(io: ReadIo, host: GuestName, main: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  let wanted: readonly string[] = [main];
  for (let round = 0; round < rounds && wanted.length > 0; round += 1) {
    const files = await filesOn(io, host, wanted);
    for (const [path, { text }] of files) texts.set(path, text);
    const patterns = [...files].flatMap(([, { text }]) => includesOf(text, main));
    const found = await Promise.all([...new Set(patterns)].map((pattern) => matching(io, host, pattern)));
    wanted = [...new Set(found.flat())].filter((path) => !texts.has(path));
  }
  return texts;
}

async function matching(io: ReadIo, host: GuestName, pattern: string): Promise<readonly string[]> {
  const matcher = globMatcher(pattern);
  if (matcher === undefined) return [pattern];
  const entries = await entriesOn(io, host, pattern.slice(0, pattern.lastIndexOf("/")));
  return entries.filter(matcher);
}
