/**
 * Commit-confirmed: before the first change a timer is armed on the hypervisor, in a cluster on every node that is online, that restores the
 * previous files. Only new connections, made after the change, disarm it. It works when this process is killed, when the network is gone,
 * and when the change has cost the cluster its quorum.
 */
import type { Guard, Io } from "../../component.ts";
import { CandidateError, CommandError, isUnavailable, TransportError } from "../../errors.ts";
import { nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import type { Command, Host } from "../../hosts/host.ts";
import { option } from "../../option-names.ts";
import { poll } from "../../poll.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { type Access, checkAccess, unproved } from "./access.ts";
import { commands } from "./commands.ts";
import { paths, serviceId } from "./compile.ts";
import { type Copies, copiesFor, keptCopies } from "./copies.ts";
import { partsOfAll, pathOf } from "./files.ts";
import { type NodeUnits, readNode } from "./read.ts";
import { undoDirectory, undoFiles, undoPaths, undoUnit, undoWindowSeconds, wantedAtBoot } from "./undo.ts";

/** How long a new connection is tried for, in milliseconds: well within the window. */
const proofMs = 15_000;

/** How much longer than the window the undo may take, in milliseconds; nodes that have lost their cluster must find it first. */
const lateMs = 15_000;
const lateInClusterMs = 60_000;

export async function guard(changes: readonly Change[], io: Io): Promise<Guard> {
  const nodes = nodesOf(io.site).filter(({ online }) => online);
  // A node that cannot be reached could neither be proved nor restored: nothing is changed then.
  const units = await Promise.all(nodes.map((node) => readNode(node, io.host(node.host))));
  const armed = units.filter(({ undoArmed }) => undoArmed).map(({ node }) => node);
  if (changes.length === 0 && armed.length === 0) return { confirm: async () => {} };
  const wanted = partsOfAll(io.site, changes).flatMap(({ id }) => pathOf(id) ?? []);
  const touched = [...new Set([paths.cluster, ...wanted])];
  // An undo that a killed run left would restore the last confirmed state, which stays the one to restore. It stays armed
  // until the copies are complete and a new undo replaces it.
  const copies = await copiesFor(touched, changes, await keptCopies(armed, io), io);
  await each(units, io, (unit, host) => host.writeFiles(filesOn(unit, copies, changes, io)));
  await each(armed.map(own), io, async (_, host) => {
    await stop(host, commands.disarmAtBoot);
    await stop(host, commands.disarm);
  });
  await each(units, io, (_, host) => host.remove([undoPaths.restored]));
  const armedAt = io.clock.now();
  // The timer first: a file left behind by a kill in between would undo later changes at some boot.
  await each(units, io, async (_, host) => {
    await host.expect(commands.arm(undoPaths.script, undoDirectory));
    await host.writeFiles([wantedAtBoot]);
  });
  return { confirm: () => confirm(nodes, copies.number, io, armedAt) };
}

const own = (node: SiteNode): { readonly node: SiteNode } => ({ node });

async function each<T extends { readonly node: SiteNode }>(
  all: readonly T[],
  io: Io,
  work: (one: T, host: Host) => Promise<void>,
): Promise<void> {
  await Promise.all(all.map((one) => work(one, io.host(one.node.host))));
}

function filesOn({ node, daemon }: NodeUnits, copies: Copies, changes: readonly Change[], { site }: Io) {
  const starts = changes.some((change) => subjectOf(change).id === serviceId(node));
  const runs = (daemon.active || !starts) && !copies.stops;
  const shared = site.cluster === undefined ? undefined : copies;
  return undoFiles(copies.paths, copies.files, runs, shared);
}

async function confirm(nodes: readonly SiteNode[], number: number, io: Io, armedAt: number): Promise<void> {
  const proved = await proveAccess(io);
  if (proved === undefined) {
    if (await disarm(nodes, number, io)) return forget(nodes, io);
    throw new CandidateError(
      `the undo restored the previous rules: the new ones were not confirmed within ${undoWindowSeconds} s`,
      {
        hint: `\`phoenix plan ${option.only} firewall\` shows the rejected rules; \`phoenix sync firewall\` tries them again`,
      },
    );
  }
  io.waiting("the undo to restore the previous rules", undoWindowSeconds * 1000);
  const late = nodes.length > 1 ? lateInClusterMs : lateMs;
  const forMs = armedAt + undoWindowSeconds * 1000 + late - io.clock.now();
  const claim = `not so after the firewall changed: ${proved}`;
  const missing = await poll(
    { clock: io.clock, forMs, pauseMs: 1_000 },
    () => notRestored(nodes, io),
    (left) => left.length === 0,
  );
  if (missing.length === 0)
    throw new CandidateError(claim, {
      hint: `\`phoenix plan ${option.only} firewall\` shows the rejected rules`,
    });
  const where = io.site.cluster === undefined ? "" : ` on ${missing.map(nodeTitle).join(", ")}`;
  throw new CommandError("pve", 1, claim, { hint: `\`systemctl status ${undoUnit}\`${where} says why` });
}

/** Makes new connections to every node, again and again for a while. @returns the first claim that still fails */
async function proveAccess(io: Io): Promise<string | undefined> {
  const addresses = nodesOf(io.site).flatMap(({ address, online }) => (online ? [address] : []));
  io.waiting(`new connections to ${addresses.join(", ")}`, proofMs);
  const look = (): Promise<readonly Access[]> => checkAccess(io);
  const patience = { clock: io.clock, forMs: proofMs, pauseMs: 500 };
  const seen = await poll(patience, look, (all) => all.every(({ answers }) => answers));
  const failed = seen.find(({ answers }) => !answers);
  if (failed === undefined) for (const gap of unproved(io, seen)) io.note(gap);
  return failed?.claim;
}

/** @returns false when the undo has run */
async function disarm(nodes: readonly SiteNode[], number: number, io: Io): Promise<boolean> {
  if (io.site.cluster === undefined) {
    const isStopped = await disarmOn(io.host("pve"));
    return isStopped && (await notRestored(nodes, io)).length > 0;
  }
  // What confirms the change is one write, which every node sees: a kill from here on, or a node that goes down, changes nothing.
  await io.host("pve").writeFiles([{ path: undoPaths.confirmed, text: `${number}\n` }]);
  await Promise.all(
    nodes.map(async (node) => {
      try {
        await disarmOn(io.host(node.host));
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        io.note(`${nodeTitle(node)} went down: its undo finds the confirmation when it comes back`);
      }
    }),
  );
  return (await notRestored(nodes, io)).length === nodes.length;
}

/** The timer goes last: it still works when this process is killed in between. @returns false when it was already gone */
async function disarmOn(host: Host): Promise<boolean> {
  await host.remove([undoPaths.wantedAtBoot, undoPaths.bootUnit]);
  return stop(host, commands.disarm);
}

/** @returns false when the unit was already gone */
async function stop(host: Host, command: Command): Promise<boolean> {
  const { exitCode, stderr } = await host.run(command);
  if (exitCode === 0) return true;
  // systemctl(1): 5 for a unit that is not loaded, here a timer that has run.
  if (exitCode === 5) return false;
  throw new CommandError(host.name, exitCode, `cannot disarm the firewall's undo: ${stderr.trim()}`, {
    hint: `it restores the previous rules within ${undoWindowSeconds} s; then run the command again`,
  });
}

/** The nodes whose undo has not run, as far as they can be asked. What one that has run left as it was is noted. */
async function notRestored(nodes: readonly SiteNode[], io: Io): Promise<readonly SiteNode[]> {
  const found = nodes.map(async (node): Promise<readonly SiteNode[]> => {
    try {
      const files = await io.host(node.host).readFiles([undoPaths.restored]);
      const text = files.get(undoPaths.restored)?.text;
      for (const [, path] of (text ?? "").matchAll(/^left (.*)$/gm))
        io.note(`the undo left ${path} as it is: somebody else changed it meanwhile`);
      return text === undefined ? [node] : [];
    } catch (error) {
      if (node.host === "pve" && nodes.length === 1) throw error;
      if (isUnavailable(error)) return [node];
      throw error;
    }
  });
  return (await Promise.all(found)).flat();
}

async function forget(nodes: readonly SiteNode[], io: Io): Promise<void> {
  await each(nodes.map(own), io, async (_, host) => {
    try {
      const names = await host.list(undoDirectory);
      await host.remove(names.map((name) => `${undoDirectory}/${name}`));
    } catch (error) {
      if (nodes.length === 1 || !(error instanceof TransportError)) throw error;
    }
  });
}
