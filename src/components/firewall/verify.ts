/** Verifies the firewall: the daemon, the filtered interfaces, open and closed ports. */

import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { declared } from "../../fabric/declared.ts";
import { firewallOf, type GuestRules } from "../../fabric/firewall.ts";
import { configurationPath, describeHost } from "../../fabric/guests.ts";
import { nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { endOf, type FirewallPath, requiredPaths } from "../../fabric/paths.ts";
import { firstMatch } from "../../formats/pve-firewall/decide.ts";
import { type InstalledFirewall, installedVerdict } from "../../formats/pve-firewall/installed.ts";
import type { Packet } from "../../formats/pve-firewall/match.ts";
import type { Host } from "../../hosts/host.ts";
import type { ConnectResult } from "../../hosts/network.ts";
import type { Guest } from "../../model.ts";
import type { ResourceId } from "../../resource.ts";
import { askNodes } from "../nodes.ts";
import { checkAccess } from "./access.ts";
import { commands } from "./commands.ts";
import { compile, paths, serviceId } from "./compile.ts";
import { installed, readDeciding } from "./installed.ts";
import { filtered, openInterfaces } from "./interfaces.ts";
import { checkShadows } from "./shadowed.ts";

/** Connections of one kind in flight at once. */
const parallel = 64;

/** Ports that hardly any service uses: an open guest refuses them at once, a filtered one stays silent. */
const probePorts = [1, 7, 9, 19, 79, 113];

/** A refusal on the same network takes a millisecond; Linux repeats a lost first packet after a second. */
const silenceMs = 1_500;

export async function verify(io: Io): Promise<readonly Check[]> {
  if (!declared(io.site, "firewall").enabled) return checkDaemons(io);
  // A daemon that does not run explains everything else.
  const files = readDeciding(io);
  const [daemon, access, interfaces, open, closed, shadowed] = await Promise.all([
    checkDaemons(io),
    checkAccess(io),
    checkInterfaces(io),
    checkPaths(io),
    files.then((found) => checkClosedPorts(io, installed(io, found))),
    files.then((found) => checkShadows(io, found)),
  ]);
  if (daemon.some(({ status }) => status === "fail")) return daemon;
  return [
    ...daemon,
    ...shadowed,
    ...open,
    // A guest with an unfiltered interface is not expected to stay silent.
    ...closed.filter(
      ({ resource }) => !interfaces.some((seen) => seen.status === "fail" && seen.resource === resource),
    ),
    ...access.map(({ node, claim, answers, fault = "no answer: dropped" }): Check => {
      const resource = node.host === "pve" ? "firewall/rules" : serviceId(node);
      return answers ? passed(resource, claim) : failed(resource, claim, fault);
    }),
    ...interfaces,
  ];
}

async function checkPaths(io: Io): Promise<readonly Check[]> {
  const needed = requiredPaths(io.site).filter(
    ({ from, to }) => to !== "pve" && to !== "outside" && (from === "pve" || from === "anywhere"),
  );
  const asked = await inShares(needed, async (path) => ({
    path,
    seen: await connect(io, path.address, path.port),
  }));
  return pathChecks(asked);
}

/** What the answers at the ends of paths prove. Where another machine answers for a service, one that need not run it is not asked for. */
export function pathChecks(
  asked: readonly { readonly path: FirewallPath; readonly seen: ConnectResult }[],
): readonly Check[] {
  const answering = new Set(asked.flatMap(({ path, seen }) => (isOpen(seen) ? (path.sharedBy ?? []) : [])));
  const isNeeded = ({ sharedBy }: FirewallPath) => sharedBy === undefined || !answering.has(sharedBy);
  return asked
    .filter(({ path, seen }) => isOpen(seen) || isNeeded(path))
    .map(({ path, seen }) => checkPath(path, seen));
}

function checkClosedPorts(io: Io, firewall: InstalledFirewall): Promise<readonly Check[]> {
  return inShares(firewallOf(io.site).guests, (guest) => checkClosed(io, guest, firewall));
}

async function inShares<T, R>(
  all: readonly T[],
  probe: (one: T) => Promise<R | undefined>,
): Promise<readonly R[]> {
  const found: R[] = [];
  for (let at = 0; at < all.length; at += parallel) {
    const seen = await Promise.all(all.slice(at, at + parallel).map(probe));
    found.push(...seen.filter((each) => each !== undefined));
  }
  return found;
}

function guestResource({ kind, id }: Guest): ResourceId {
  return `firewall/guest-${kind}-${id}`;
}

async function checkDaemons(io: Io): Promise<readonly Check[]> {
  const found = await askNodes(
    io,
    nodesOf(io.site),
    (node) => [serviceId(node)],
    (node, host) => checkDaemon(io, node, host),
  );
  return found.flat();
}

/** "Status: enabled/running (pending changes)" and warnings about the installed files. */
async function checkDaemon(io: Io, node: SiteNode, host: Host): Promise<readonly Check[]> {
  const { stdout, stderr } = await host.run(commands.status);
  const wanted = declared(io.site, "firewall").enabled ? "enabled/running" : "disabled/running";
  const status = /^Status: (.*)$/m.exec(stdout)?.[1] ?? "no status";
  const isOwn = node.host === "pve";
  const claim = `pve-firewall is ${wanted}${isOwn ? "" : ` on ${nodeTitle(node)}`}`;
  const resource = isOwn ? "firewall/options" : serviceId(node);
  const hint = `\`pve-firewall status\` and \`journalctl -u pve-firewall\` on ${nodeTitle(node)} show more`;
  const isWanted = declared(io.site, "firewall").enabled ? status === wanted : status.startsWith("disabled");
  const check = isWanted ? passed(resource, claim) : failed(resource, claim, status, hint);
  // Every node reads the same files.
  return [check, ...(isOwn ? await judgeWarnings(io, stderr) : [])];
}

/** A warning about a line of ours is our failure. One about a foreign line is a note: what is ours does not depend on it. */
async function judgeWarnings(io: Io, stderr: string): Promise<readonly Check[]> {
  const found = stderr.split("\n").filter((line) => /\(line \d+\)|no such security group/.test(line));
  if (found.length === 0) return [];
  const texts = await io.host("pve").readFiles([paths.cluster]);
  const lines = (texts.get(paths.cluster)?.text ?? "").split("\n");
  const ours = new Set(compile(io.site).flatMap(({ text }) => text.split("\n").map((line) => line.trim())));
  return found.flatMap((warning): readonly Check[] => {
    const number = /cluster\.fw \(line (\d+)\)/.exec(warning)?.[1];
    const line = number === undefined ? "" : (lines[Number(number) - 1] ?? "").trim();
    if (line !== "" && ours.has(line))
      return [failed("firewall/options", "Proxmox takes every line of the firewall's files", warning.trim())];
    io.note(`Proxmox leaves out a line that is not Phoenix's: ${warning.trim()}`);
    return [];
  });
}

/** A guest is filtered only where its interface has firewall=1; that is declared with the guest and not changed here. */
async function checkInterfaces(io: Io): Promise<readonly Check[]> {
  const { guests } = firewallOf(io.site);
  const { cluster } = io.site;
  const configurations = guests.map(({ guest }) => configurationPath(guest, cluster));
  const files = await io.host("pve").readFiles(configurations);
  return guests.flatMap(({ guest }, at): readonly Check[] => {
    const resource = guestResource(guest);
    const claim = `${describeHost(io.site, guest.host)} has every interface filtered`;
    const file = files.get(configurations[at] ?? "");
    if (file === undefined)
      return [
        external(
          failed(resource, claim, cluster === undefined ? "it is not on this node" : "no node has it"),
        ),
      ];
    const open = openInterfaces(file.text);
    const [first] = open;
    if (first === undefined) return [passed(resource, claim)];
    const tool = guest.kind === "lxc" ? "pct" : "qm";
    const observed = `${open.map(({ name }) => name).join(", ")} without firewall=1: its rules are not in force`;
    const node = cluster?.placement.get(guest.host);
    const where = node === undefined ? "" : `on node ${node}: `;
    const hint = `${where}${tool} set ${guest.id} --${first.name} '${filtered(first.value)}'`;
    return [external(failed(resource, claim, observed, hint))];
  });
}

/** A refusal comes from the machine itself: the firewall let the packet through, and nothing listens yet. */
function isOpen(seen: ConnectResult): boolean {
  return seen.ok || seen.reason === "refused";
}

/**
 * Silence proves nothing: the reset of a closed port is lost between the two bridges of a filtered guest, where the second lookup
 * finds its connection ended (PVE's rules on kernel 6.18, measured).
 */
function checkPath(path: FirewallPath, seen: ConnectResult): Check {
  const resource: ResourceId = `firewall/group-${path.to.replace("/", "-")}`;
  const claim = `${endOf(path)} is open to the hypervisor`;
  if (isOpen(seen)) return passed(resource, claim);
  const isSilent = !seen.ok && seen.reason === "timeout";
  const observed = isSilent ? "no answer: nothing listens there, or it is dropped" : words(seen);
  return external(failed(resource, claim, observed));
}

/** A port that no rule is about: a filtered guest stays silent, an open one refuses. */
/** A port that everybody's rules drop: where a foreign one accepts or rejects it, an answer proves nothing. */
async function checkClosed(
  io: Io,
  { guest, rules }: GuestRules,
  firewall: InstalledFirewall,
): Promise<Check | undefined> {
  const { address } = guest;
  if (address === undefined) return undefined;
  const source = io.site.hypervisor.address;
  const own = rules.map(({ rule }) => rule);
  const port = probePorts.find((port) => {
    const packet: Packet = { direction: "IN", source, dest: address, protocol: "tcp", port };
    const isDropped = installedVerdict(firewall, guest.id, packet).action === "DROP";
    return isDropped && firstMatch(own, packet) === undefined;
  });
  if (port === undefined) return undefined;
  const resource = guestResource(guest);
  const claim = `${address}:${port}, which no rule opens, stays silent`;
  const seen = await connect(io, address, port, silenceMs);
  // A guest that does not run proves nothing.
  if (!seen.ok && seen.reason === "unreachable") return undefined;
  return !seen.ok && seen.reason === "timeout"
    ? passed(resource, claim)
    : failed(resource, claim, `${words(seen)}: it is not filtered`);
}

async function connect(io: Io, address: string, port: number, timeoutMs?: number): Promise<ConnectResult> {
  try {
    return await io.network.connect(address, port, timeoutMs);
  } catch (error) {
    if (error instanceof TransportError) return { ok: false, reason: "unreachable" };
    throw error;
  }
}

function words(seen: ConnectResult): string {
  if (seen.ok) return "it answers";
  return { refused: "refused", timeout: "no answer: dropped", unreachable: "unreachable" }[seen.reason];
}
