/**
 * The firewall: cluster.fw and a small file for each filtered guest. Ours are three options, the marked rules of [RULES] and
 * the groups called phx-…; everything else in these files is left alone.
 */
import type { Component, Io } from "../../component.ts";
import { CandidateError, CommandError, NotReadyError } from "../../errors.ts";
import { nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { fileFaults } from "../../formats/pve-firewall/check.ts";
import { compileFirewall } from "../../formats/pve-firewall/compiled.ts";
import { emptyFile, printFirewall, rulesOf } from "../../formats/pve-firewall/index.ts";
import { isEnabled } from "../../formats/pve-firewall/installed.ts";
import { readFile } from "../../formats/pve-firewall/reading.ts";
import { poll } from "../../poll.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { commands } from "./commands.ts";
import {
  compile,
  type FirewallFiles,
  guestPath,
  hostPath,
  isOurGroup,
  isService,
  liveResources,
  paths,
} from "./compile.ts";
import { restoreCopies } from "./copies.ts";
import { fileChanges, isRollback, parsed, partsOf, partsOfAll, pathOf, placeOf, withParts } from "./files.ts";
import { guard } from "./guard.ts";
import { hazards } from "./hazards.ts";
import { impact } from "./impact.ts";
import { installed } from "./installed.ts";
import { read, readInstalled, readNode, readUnits } from "./read.ts";
import { verify } from "./verify.ts";

/** The daemon reads the files every 10 s (pve-firewall 6.0), and many rules take it longer, in milliseconds. */
const noticeMs = 30_000;

export const firewall: Component = {
  name: "firewall",
  after: [],
  compile,
  impact,
  read,

  async validate(changes, io) {
    await refuseWithoutQuorum(io);
    const ownFiles = io.host("pve").readFiles(nodesOf(io.site).map(hostPath));
    const [texts, own] = await Promise.all([readInstalled(io), ownFiles]);
    if (texts.get(paths.cluster)?.text.includes("\r") === true) {
      throw new CandidateError("cluster.fw has Windows line endings: Proxmox skips all of it", {
        hint: `sed -i 's/\\r$//' ${paths.cluster}: check its rules first, they will be in force`,
      });
    }
    const before = parsed(texts);
    const after = withParts(io.site, before, partsOfAll(io.site, changes));
    const cluster = after.get(paths.cluster);
    refuseWhatTheKernelRefuses(new Map([...parsed(own), ...after]), io);
    for (const { path, text } of fileChanges(before, after).writes) {
      const place = placeOf(path);
      const old = fileFaults(texts.get(path)?.text ?? "", place, before.get(paths.cluster));
      const known = new Set(old.map(({ message }) => message));
      const [fault] = fileFaults(text, place, cluster).filter(({ message }) => !known.has(message));
      if (fault === undefined) continue;
      const line = text.split("\n")[fault.line - 1] ?? "";
      throw new CandidateError(
        `Proxmox would not take the new ${path} (line ${fault.line})${fault.message}`,
        {
          hint: `change the rule, or define what it names first; the whole line: ${line.trim()}`,
        },
      );
    }
  },

  hazards,
  guard,

  async apply(change, io) {
    const host = io.host("pve");
    if (isService(subjectOf(change).id)) return applyService(change, io);
    if (await isDone(change, io)) return;
    // The first change included all others, so the rollback of any of them restores all of them.
    if (isRollback(io.site, change) && (await restoreCopies(io))) return;
    const before = parsed(await readInstalled(io));
    const { writes, removes } = fileChanges(before, withParts(io.site, before, partsOf(io.site, change)));
    try {
      await host.writeFiles(writes);
      await host.remove(removes);
    } catch (error) {
      if (error instanceof CommandError && /ermission denied/.test(error.message)) throw withoutQuorum(error);
      throw error;
    }
  },

  /** The daemon of each node notices the files by itself; a restart would remove all rules for a moment. */
  async activate(touched, io) {
    if (touched.every(isService)) return;
    const nodes = nodesOf(io.site);
    await Promise.all(nodes.filter(({ online }) => online).map((node) => awaitRules(node, io)));
    const off = nodes.filter(({ online }) => !online).map(nodeTitle);
    if (off.length > 0)
      io.note(
        `${off.join(", ")}: offline, so nothing is proved there; the new rules are in /etc/pve and in force once it is back`,
      );
  },

  verify,
};

/** @throws CandidateError when the node's daemon does not load the new rules */
async function awaitRules(node: SiteNode, io: Io): Promise<void> {
  const host = io.host(node.host);
  if (!(await readNode(node, host)).daemon.active) return;
  io.waiting("pve-firewall to load the new rules", noticeMs);
  const isPending = async (): Promise<boolean> =>
    (await host.run(commands.status)).stdout.includes("pending changes");
  const where = node.host === "pve" ? "" : ` on ${nodeTitle(node)}`;
  if (await poll({ clock: io.clock, forMs: noticeMs, pauseMs: 500 }, isPending, (pending) => !pending)) {
    throw new CandidateError(`pve-firewall did not load the new rules within ${noticeMs / 1000} s${where}`, {
      hint: `\`journalctl -u pve-firewall\` on ${nodeTitle(node)} shows why`,
    });
  }
  io.activated({ kind: "reload", unit: "pve-firewall", host: node.host });
}

/**
 * One line that iptables or ipset refuse, or that Proxmox cannot read at all, keeps the node at its previous rules, whoever
 * wrote it. @throws CandidateError
 */
function refuseWhatTheKernelRefuses(files: FirewallFiles, io: Io): void {
  for (const node of nodesOf(io.site)) refuseOn(node, files, io);
}

function refuseOn(node: SiteNode, files: FirewallFiles, io: Io): void {
  const candidate = installed(io, files, node);
  if (!isEnabled(candidate)) return;
  const fatal = (["cluster", "host"] as const).flatMap((file) =>
    readFile(candidate[file], file, candidate.cluster).faults.flatMap((fault) =>
      fault.isFatal === true ? [{ file, ...fault }] : [],
    ),
  )[0];
  const refused = ([4, 6] as const).flatMap((family) => compileFirewall(candidate, family).refused)[0];
  const found = fatal ?? refused;
  if (found === undefined) return;
  const own = found.file === "cluster" ? paths.cluster : hostPath(node);
  const path = typeof found.file === "number" ? guestPath(found.file) : own;
  const text =
    printFirewall(files.get(path) ?? emptyFile)
      .split("\n")
      [found.line - 1]?.trim() ?? "";
  throw new CandidateError(
    `Proxmox could not load any new rules, and would keep the previous ones: ${path} (line ${found.line}): ${found.message.replace(/^: /, "")}`,
    { hint: `correct or delete that line: ${text}` },
  );
}

/** Whether an earlier change has written this one already. */
async function isDone(change: Change, io: Io): Promise<boolean> {
  const { id } = subjectOf(change);
  const path = pathOf(id);
  if (change.verb === "delete" || path === undefined) return false;
  const own = parsed(await io.host("pve").readFiles([path]));
  const isMixed = [...own.values()].some((file) => !rulesOf(file).every(isOurGroup));
  // Whether a foreign rule stands in the way of a group depends on the group's rules.
  const files = isMixed ? new Map([...own, ...parsed(await io.host("pve").readFiles([paths.cluster]))]) : own;
  return liveResources(io.site, files).some((live) => live.id === id && live.text === change.desired.text);
}

/** Starts the daemon, or stops it in a rollback where it did not run before. */
async function applyService(change: Change, io: Io): Promise<void> {
  if (change.verb === "delete") return;
  const host = io.host(change.desired.host);
  const { daemon } = await readUnits(host);
  if (change.desired.units.running !== "yes") {
    if (daemon.active) await host.expect(commands.stop);
  } else if (!daemon.active || !daemon.enabled) await host.expect(commands.start);
}

/** In a cluster without quorum /etc/pve is read-only. @throws NotReadyError */
async function refuseWithoutQuorum(io: Io): Promise<void> {
  const text = (await io.host("pve").readFiles([paths.members])).get(paths.members)?.text ?? "";
  if (/"quorate"\s*:\s*0/.test(text)) throw withoutQuorum();
}

function withoutQuorum(cause?: CommandError): NotReadyError {
  return new NotReadyError(
    `/etc/pve is read-only: the Proxmox cluster has no quorum${cause === undefined ? "" : ` (${cause.message})`}`,
    { hint: "`pvecm status` on the hypervisor shows which nodes are missing", cause },
  );
}
