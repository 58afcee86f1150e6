/** Sites of somebody else in the gateway's Nginx that serve our names, or get what is meant for us. Reads only. */

import { foreignHazard, type Hazard, type Io } from "../../component.ts";
import { roleOf } from "../../fabric/declared.ts";
import { gatewayNames } from "../../fabric/services.ts";
import { dumpedFiles, type NginxServer, serversIn } from "../../formats/nginx/servers.ts";
import type { Host } from "../../hosts/host.ts";
import type { Change } from "../../resource.ts";
import { editedFile } from "../foreign/files.ts";
import { commands } from "./commands.ts";
import { isDistribution, paths } from "./compile.ts";

/** A server that is in the way, what it does, and the lines that make it so. */
interface Conflict {
  readonly server: NginxServer;
  readonly line: number;
  readonly says: string;
  readonly takeover: string;
  /** The new text of each line, undefined to comment it out. */
  readonly edits: ReadonlyMap<number, string | undefined>;
}

/** Ports that the gateway's configuration listens on. */
const ports: readonly number[] = [80, 443];

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  if (changes.every(({ verb }) => verb === "delete")) return [];
  const guest = roleOf(io.site, "gateway").host;
  const host = io.host(guest);
  const [all, there] = await Promise.all([filesOf(host), host.readFiles([paths.distribution])]);
  const ours = new Set<string>([paths.available, paths.enabled]);
  if (isDistribution(there.get(paths.distribution))) ours.add(paths.distribution);
  const files = new Map([...all].filter(([path]) => !ours.has(path)));
  const names = new Set(gatewayNames(io.site));
  return [...files].flatMap(([path, text]) => {
    const conflicts = serversIn(path, text).flatMap((server) => conflictsOf(server, text.split("\n"), names));
    const edits = new Map(conflicts.flatMap((conflict) => [...conflict.edits]));
    const change = editedFile("nginx", guest, path, text, edits);
    return conflicts.map(({ line, says, takeover }, at): Hazard => {
      const name = `${path}:${line}`;
      const message = `${name} on ${guest}: ${says}`;
      if (!isTestable(path))
        return foreignHazard(message, { host: guest, name }, `${takeover}, or remove the site from Nginx`);
      return foreignHazard(message, { host: guest, name, takeover, changes: at === 0 ? [change] : [] });
    });
  });
}

/** What Nginx reads; where it refuses the present configuration and tells nothing, the files of its usual directories. */
async function filesOf(host: Host): Promise<ReadonlyMap<string, string>> {
  const { exitCode, stdout } = await host.run(commands.dump);
  if (exitCode === 0) return dumpedFiles(stdout);
  const names = await Promise.all(
    ["/etc/nginx/sites-enabled", "/etc/nginx/conf.d"].map(async (directory) =>
      (await host.list(directory)).map((name) => `${directory}/${name}`),
    ),
  );
  const states = await host.readFiles(names.flat());
  return new Map([...states].map(([path, { text }]) => [path, text]));
}

/** Whether a changed file can be tested beside the running configuration before it is in place. */
export function isTestable(path: string): boolean {
  return path === "/etc/nginx/nginx.conf" || /^\/etc\/nginx\/(sites-enabled|conf\.d)\/[^/]+$/.test(path);
}

function conflictsOf(
  server: NginxServer,
  lines: readonly string[],
  names: ReadonlySet<string>,
): readonly Conflict[] {
  const listens = server.listens.filter(({ port }) => ports.includes(port));
  if (listens.length === 0) return [];
  const taken = server.names.filter((name) => names.has(name.replace(/^\./, "")));
  const conflicts: Conflict[] = [];
  if (taken.length > 0) conflicts.push(nameConflict(server, lines, taken));
  if (conflicts.some(({ edits }) => edits.has(server.line))) return conflicts;
  for (const { line, written, port, isSpecific, isDefault } of listens) {
    const text = lines[line - 1] ?? "";
    if (isSpecific && !/^127\.|^\[::1\]|^localhost/.test(written)) {
      const edited = `${text.replace(written, String(port))} # phoenix took over ${written}`;
      conflicts.push({
        ...{ server, line },
        says: `its server gets every connection to ${written}, whatever the name`,
        takeover: `it listens on port ${port} of every address, for its own names`,
        edits: new Map([[line, edited.replace(/\s*default_server|\s*\bdefault\b/, "")]]),
      });
    } else if (isDefault && !isSpecific) {
      const edited = `${text.replace(/\s*\b(default_server|default)\b/, "")} # phoenix took over default_server`;
      const says = `its server is the default of port ${port}, and only one can be`;
      const takeover = `"default_server" is removed from the line`;
      conflicts.push({ server, line, says, takeover, edits: new Map([[line, edited]]) });
    }
  }
  return conflicts;
}

/** Where a server has names of its own left, ours are taken out of it; otherwise all of it is commented out. */
function nameConflict(server: NginxServer, lines: readonly string[], taken: readonly string[]): Conflict {
  const shown = taken.map((name) => `"${name}"`).join(", ");
  const says = `its server answers for ${shown}, which the site declares`;
  const common = { server, line: server.line, says };
  const range = (first: number, last: number): readonly number[] =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at);
  if (taken.length === server.names.length) {
    const block = range(server.line, server.lastLine);
    return {
      ...common,
      takeover: "the server is commented out",
      edits: new Map(block.map((line) => [line, undefined])),
    };
  }
  const edits = new Map<number, string>();
  for (const line of server.nameLines.flatMap(([first, last]) => range(first, last))) {
    const text = lines[line - 1] ?? "";
    const words = text.split(/(?<=[\s;])|(?=[\s;])/);
    const kept = words.filter((word) => !taken.includes(word.toLowerCase()));
    if (kept.length < words.length)
      edits.set(line, `${kept.join("")} # phoenix took over ${taken.join(" ")}`);
  }
  return { ...common, takeover: `${shown} is taken out of its server_name`, edits };
}
