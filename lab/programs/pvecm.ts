/** pvecm (pve-cluster 9.1): status and nodes, of a cluster with votequorum. */

import { membersOn, nodesOf, nodeUnder, votesOn } from "../cluster.ts";
import type { NodeHost } from "../nodes.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { unknownCommand } from "./proxmox.ts";

export const pvecm: Program = ({ context, host, args: [verb = ""] }) => {
  if (context.facts.cluster === undefined)
    return failed(
      2,
      "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?",
    );
  const node = nodeUnder(context, host);
  switch (verb) {
    case "status":
      return done(statusText(context, node));
    case "nodes":
      return done(membershipText(context, node, false));
    default:
      return unknownCommand("pvecm", [verb]);
  }
};

function statusText(lab: Lab, node: NodeHost): string {
  const { name = "", qdevice = false } = lab.facts.cluster ?? {};
  const { expected, total, quorum, quorate } = votesOn(lab, node);
  const own = nodesOf(lab).find(({ host }) => host === node);
  const flags = [...(quorate ? ["Quorate"] : []), ...(qdevice ? ["Qdevice"] : [])].join(" ");
  return [
    "Cluster information",
    "-------------------",
    `Name:             ${name}`,
    `Config Version:   ${nodesOf(lab).length}`,
    "Transport:        knet",
    "Secure auth:      on",
    "",
    "Quorum information",
    "------------------",
    `Date:             ${dateText(lab.clock.now())}`,
    "Quorum provider:  corosync_votequorum",
    `Nodes:            ${membersOn(lab, node).length}`,
    `Node ID:          0x${(own?.id ?? 0).toString(16).padStart(8, "0")}`,
    "Ring ID:          1.4c",
    `Quorate:          ${quorate ? "Yes" : "No"}`,
    "",
    "Votequorum information",
    "----------------------",
    `Expected votes:   ${expected}`,
    `Highest expected: ${expected}`,
    `Total votes:      ${total}`,
    `Quorum:           ${quorum}${quorate ? "  " : " Activity blocked"}`,
    `Flags:            ${flags}`,
    "",
    membershipText(lab, node, true),
  ].join("\n");
}

/** "Sat Nov 28 20:01:15 2026". */
function dateText(ms: number): string {
  const [, day, date, month, year, time] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString()) ?? [];
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}

function membershipText(lab: Lab, node: NodeHost, byAddress: boolean): string {
  const { qdevice = false } = lab.facts.cluster ?? {};
  const { total } = votesOn(lab, node);
  const members = membersOn(lab, node);
  const hasDevice = total > members.length;
  const rows = members.map(({ id, host, name, address }) => {
    const number = byAddress ? `0x${id.toString(16).padStart(8, "0")}` : String(id).padStart(10);
    const device = qdevice ? `    ${hasDevice ? "A,V,NMW" : "NA,NV,NMW"}` : "";
    return `${number}          1${device} ${byAddress ? address : name}${host === node ? " (local)" : ""}\n`;
  });
  const title = `    Nodeid      Votes${qdevice ? "    Qdevice" : ""} Name\n`;
  const device = qdevice ? `0x00000000          ${hasDevice ? 1 : 0}            Qdevice\n` : "";
  return `Membership information\n----------------------\n${title}${rows.join("")}${device}`;
}
