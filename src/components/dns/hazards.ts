/** What is on the hypervisor, or on a node of its cluster, that answers DNS or configures dnsmasq, and is not ours. Reads only. */
import { foreignHazard, type Hazard, type Io } from "../../component.ts";
import { baseId, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { parseConfLines } from "../../formats/dnsmasq/index.ts";
import { listListeners, parseListeners } from "../../formats/listeners/index.ts";
import type { Host } from "../../hosts/host.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { editedFile } from "../foreign/files.ts";
import { askNodes, nodesTouched } from "../nodes.ts";
import { commands } from "./commands.ts";
import { paths } from "./compile.ts";
import { type ForeignLine, foreignHosts, foreignLines, type OwnNames, ownNames } from "./foreign.ts";

/** Where Debian's unit gets its directory and options from. */
const defaults = "/etc/default/dnsmasq";
const main = "/etc/dnsmasq.conf";
const directory = "/etc/dnsmasq.d";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const written = changes.filter(({ verb }) => verb !== "delete");
  const found = await askNodes(
    io,
    nodesTouched(io, written),
    () => [],
    (node) => hazardsOn(node, written, io),
  );
  return found.flat();
}

async function hazardsOn(node: SiteNode, changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const own = ownNames(io.site, node);
  const isNew = changes.some((change) => {
    const { id, host } = subjectOf(change);
    return change.verb === "create" && host === node.host && baseId({ id, host }) === "dns/configuration";
  });
  const host = io.host(node.host);
  const [{ configuration, hosts }, startup, others] = await Promise.all([
    foreignFiles(host),
    startupHazards(host),
    listenerHazards(host, own, node),
  ]);
  const lines = [
    ...foreignLines(configuration, own, isNew),
    ...[...hosts].flatMap(([file, text]) => foreignHosts(file, text, own)),
  ];
  const found = [...others, ...startup, ...lineHazards(lines, new Map([...configuration, ...hosts]), node)];
  // On a single host there is no other node to tell apart.
  return node.host === "pve"
    ? found
    : found.map((hazard) => ({ ...hazard, message: `${nodeTitle(node)}: ${hazard.message}` }));
}

/** A hazard for each line. The first of a file carries the change of the whole file. */
function lineHazards(
  lines: readonly ForeignLine[],
  texts: ReadonlyMap<string, string>,
  { host }: SiteNode,
): readonly Hazard[] {
  const changed = new Set<string>();
  return lines.map(({ file, line, says, stays }) => {
    const name = `${file}:${line}`;
    const message = `${name}: ${says}`;
    if (stays !== undefined) return foreignHazard(message, { host, name, takeover: stays });
    const removed = lines.filter((other) => other.file === file && other.stays === undefined);
    const edits = new Map(removed.map((each) => [each.line, undefined]));
    const change = editedFile("dns", host, file, texts.get(file) ?? "", edits);
    const changes = changed.has(file) ? [] : [change];
    changed.add(file);
    return foreignHazard(message, { host, name, takeover: "the line is commented out", changes });
  });
}

interface ForeignFiles {
  readonly configuration: ReadonlyMap<string, string>;
  readonly hosts: ReadonlyMap<string, string>;
}

/** Everything that dnsmasq reads besides our files: its main file, its directory, and what those name. */
async function foreignFiles(host: Host): Promise<ForeignFiles> {
  const configuration = new Map<string, string>();
  const hosts = new Map(await read(host, await filesIn(host, [paths.hostsDirectory])));
  let wanted: readonly string[] = [main, ...(await filesIn(host, [directory]))];
  while (wanted.length > 0) {
    const texts = await read(
      host,
      wanted.filter((path) => !configuration.has(path)),
    );
    for (const [path, text] of texts) configuration.set(path, text);
    const lines = [...texts.values()].flatMap(parseConfLines);
    const valuesOf = (...names: readonly string[]): readonly string[] =>
      lines.filter(({ name }) => names.includes(name)).map(({ value }) => value.split(",", 1)[0] ?? "");
    const inDirectories = await filesIn(host, valuesOf("conf-dir"));
    const named = [...valuesOf("addn-hosts"), ...(await filesIn(host, valuesOf("hostsdir", "addn-hosts")))];
    for (const [path, text] of await read(host, named)) hosts.set(path, text);
    wanted = [...valuesOf("conf-file"), ...inDirectories].filter((path) => !configuration.has(path));
  }
  return { configuration, hosts };
}

const ours: ReadonlySet<string> = new Set(Object.values(paths));
const passedOver = /(^|\/)(\.[^/]*|[^/]*~|#[^/]*#|[^/]*\.dpkg-(dist|old|new))$/;

/** The files of directories; those that are no directories are passed over. */
async function filesIn(host: Host, directories: readonly string[]): Promise<readonly string[]> {
  const absolute = directories
    .filter((path) => path.startsWith("/"))
    .map((path) => path.replace(/(.)\/$/, "$1"));
  if (absolute.length === 0) return [];
  const { stdout } = await host.run(commands.files(absolute));
  const found = stdout.split("\n").filter((path) => absolute.some((parent) => path.startsWith(`${parent}/`)));
  return found.filter((path) => !passedOver.test(path)).sort();
}

async function read(host: Host, files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const foreign = files.filter((path) => path.startsWith("/") && !ours.has(path));
  if (foreign.length === 0) return new Map();
  const { stdout } = await host.run(commands.files(foreign));
  const regular = stdout.split("\n").filter((path) => foreign.includes(path));
  const states = await host.readFiles(regular);
  return new Map([...states].map(([path, { text }]) => [path, text]));
}

/** Debian's unit reads the directories that this file names: without ours in it, our configuration is never read. */
async function startupHazards(host: Host): Promise<readonly Hazard[]> {
  const text = (await host.readFiles([defaults])).get(defaults)?.text ?? "";
  return text.split("\n").flatMap((raw, at): Hazard[] => {
    const name = `${defaults}:${at + 1}`;
    const [, key, value = ""] = /^\s*(CONFIG_DIR|DNSMASQ_OPTS)=(.*)$/.exec(raw) ?? [];
    if (
      key === "CONFIG_DIR" &&
      value.replaceAll(/["']/g, "").split(",")[0]?.replace(/\/$/, "") !== directory
    ) {
      const message = `${name}: "${raw.trim()}" has dnsmasq read another directory than ${directory}`;
      const hint = `make it CONFIG_DIR=${directory},.dpkg-dist,.dpkg-old,.dpkg-new and have a file in ${directory} say conf-dir= for the other one`;
      return [foreignHazard(message, { host: host.name, name }, hint)];
    }
    if (key !== "DNSMASQ_OPTS" || !/--(bind-interfaces|port)\b|(^|[\s"'])-(z|p)\b/.test(value)) return [];
    const message = `${name}: "${raw.trim()}" keeps dnsmasq from starting as our configuration needs it`;
    return [foreignHazard(message, { host: host.name, name }, "remove these options")];
  });
}

/** Programs on port 53 of our addresses. One of its own address (systemd-resolved, a zone of Proxmox's SDN) is in nobody's way. */
async function listenerHazards(host: Host, own: OwnNames, node: SiteNode): Promise<readonly Hazard[]> {
  const [listeners, main] = await Promise.all([host.run(listListeners), host.run(commands.mainPid)]);
  const unit = /MainPID=(\d+)/.exec(main.stdout)?.[1];
  const seen = new Set<string>();
  return parseListeners(listeners.stdout).flatMap(({ address, port, program, pid }): Hazard[] => {
    if (port !== 53 || pid === unit || seen.has(pid)) return [];
    if (!["0.0.0.0", ...own.listen].includes(address)) return [];
    seen.add(pid);
    const message = `program "${program}" (process ${pid}) listens on ${address}:53, where dnsmasq must answer`;
    const hint = `stop it, or move it to another address or port: \`systemctl status ${pid}\` on ${nodeTitle(node)} names its unit`;
    return [foreignHazard(message, { host: host.name, name: `program ${program}`, process: pid }, hint)];
  });
}
