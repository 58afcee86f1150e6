/**
 * pve-firewall (6.0): status, compile, localnet, start, stop and restart. The lab's rules count as soon as they are
 * installed. Warnings about lines go to standard error, and the exit code is 0 nevertheless.
 */

import { nodeOf, nodesOf, nodeUnder } from "../cluster.ts";
import { clusterIsEnabled, loaded, worldOf } from "../firewall.ts";
import type { NodeHost } from "../nodes.ts";
import { done, type Lab, type Program } from "../parts.ts";
import { compile } from "../pve-firewall/compile.ts";
import { startUnit } from "../unit-control.ts";
import { isActive, stopUnit } from "../units.ts";
import { unknownCommand } from "./proxmox.ts";

const unit = "pve-firewall";

export const pveFirewall: Program = async ({ context, host, args }) => {
  const [verb = ""] = args;
  const node = nodeUnder(context, host);
  switch (verb) {
    case "status": {
      const enabled = clusterIsEnabled(context, node) ? "enabled" : "disabled";
      const running = isActive(context, node, unit) ? "running" : "stopped";
      const { dies } = compile(worldOf(context, node));
      // Proxmox compiles the files to say whether anything is pending.
      if (dies !== undefined) return { exitCode: 255, stdout: "", stderr: `${dies}\n` };
      const pending =
        running === "running" && loaded(context, node).error !== undefined ? " (pending changes)" : "";
      return done(`Status: ${enabled}/${running}${pending}\n`, warnings(context, node));
    }
    case "compile":
      return done(compiled(context, node), warnings(context, node));
    case "localnet":
      return done(localNetwork(context, node));
    case "start":
    case "restart":
      await startUnit(context, node, unit);
      return done();
    case "stop":
      stopUnit(context, node, unit);
      return done();
    default:
      return unknownCommand("pve-firewall", [verb]);
  }
};

/** What the compiler says about lines that it does not take; it goes on without them. */
function warnings(lab: Lab, node: NodeHost): string {
  return compile(worldOf(lab, node))
    .warnings.map((warning) => `${warning}\n`)
    .join("");
}

/** The titles that the real one prints, without the commands between them. */
function compiled(lab: Lab, node: NodeHost): string {
  const titles = ["ipset cmdlist:", "iptables cmdlist:", "ip6tables cmdlist:", "ebtables cmdlist:"];
  const more = ["iptables table raw cmdlist:", "ip6tables table raw cmdlist:"];
  const end = clusterIsEnabled(lab, node) ? "no changes\n" : "no changes\nfirewall disabled\n";
  return `${[...titles, ...more].join("\n\n")}\n${end}`;
}

function localNetwork(lab: Lab, node: NodeHost): string {
  const { facts } = lab;
  const { name, address } = nodeOf(lab, node);
  return [
    `local hostname: ${name}`,
    `local IP address: ${address}`,
    `network auto detect: ${facts.network}`,
    `using detected local_network: ${facts.network}`,
    ...peersOf(lab, node),
    "",
  ].join("\n");
}

/** What Proxmox accepts between the cluster's members. */
function peersOf(lab: Lab, node: NodeHost): readonly string[] {
  if (lab.facts.cluster === undefined) return [];
  const others = nodesOf(lab).filter(({ host }) => host !== node);
  const lines = others.map(({ name, address }) => `${name}: ${address} (link: 0)`);
  return ["", "accepting corosync traffic from/to:", ...lines.map((line) => ` - ${line}`)];
}
