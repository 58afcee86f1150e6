/**
 * pve-firewall (6.0): status, compile, localnet, start, stop and restart. The lab's rules count as soon as they are
 * installed. Warnings about lines go to standard error, and the exit code is 0 nevertheless.
 */

import { clusterIsEnabled, loaded, worldOf } from "../firewall.ts";
import { done, type Lab, type Program } from "../parts.ts";
import { compile } from "../pve-firewall/compile.ts";
import { startUnit } from "../unit-control.ts";
import { isActive, stopUnit } from "../units.ts";
import { unknownCommand } from "./proxmox.ts";

const unit = "pve-firewall";

export const pveFirewall: Program = async ({ context, args }) => {
  const [verb = ""] = args;
  switch (verb) {
    case "status": {
      const enabled = clusterIsEnabled(context) ? "enabled" : "disabled";
      const running = isActive(context, "pve", unit) ? "running" : "stopped";
      const { dies } = compile(worldOf(context));
      // Proxmox compiles the files to say whether anything is pending.
      if (dies !== undefined) return { exitCode: 255, stdout: "", stderr: `${dies}\n` };
      const pending =
        running === "running" && loaded(context).error !== undefined ? " (pending changes)" : "";
      return done(`Status: ${enabled}/${running}${pending}\n`, warnings(context));
    }
    case "compile":
      return done(compiled(context), warnings(context));
    case "localnet":
      return done(localNetwork(context));
    case "start":
    case "restart":
      await startUnit(context, "pve", unit);
      return done();
    case "stop":
      stopUnit(context, "pve", unit);
      return done();
    default:
      return unknownCommand("pve-firewall", [verb]);
  }
};

/** What the compiler says about lines that it does not take; it goes on without them. */
function warnings(lab: Lab): string {
  return compile(worldOf(lab))
    .warnings.map((warning) => `${warning}\n`)
    .join("");
}

/** The titles that the real one prints, without the commands between them. */
function compiled(lab: Lab): string {
  const titles = ["ipset cmdlist:", "iptables cmdlist:", "ip6tables cmdlist:", "ebtables cmdlist:"];
  const more = ["iptables table raw cmdlist:", "ip6tables table raw cmdlist:"];
  const end = clusterIsEnabled(lab) ? "no changes\n" : "no changes\nfirewall disabled\n";
  return `${[...titles, ...more].join("\n\n")}\n${end}`;
}

function localNetwork({ facts }: Lab): string {
  return [
    "local hostname: pve",
    `local IP address: ${facts.address}`,
    `network auto detect: ${facts.network}`,
    `using detected local_network: ${facts.network}`,
    "",
  ].join("\n");
}
