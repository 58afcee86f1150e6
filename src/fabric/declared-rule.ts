/** The firewall rules that a site declares, in Proxmox's terms. Pure. */
import { defined } from "../defined.ts";
import { commentText, type FwRule } from "../formats/pve-firewall/rule.ts";
import type { FirewallRule } from "../model.ts";

/** A declared rule as a line of Proxmox's files. It need not be one that Proxmox accepts. */
export function fwRuleOf(declared: FirewallRule): FwRule {
  const { direction, action, macro, source, destination, protocol, ports, sourcePorts, log, icmpType } =
    declared;
  return defined({
    enabled: true,
    type: direction === "in" ? "IN" : "OUT",
    action,
    macro,
    iface: declared.interface,
    source,
    dest: destination,
    proto: protocol,
    dport: ports,
    sport: sourcePorts,
    log,
    icmpType,
    comment: declared.comment === undefined ? undefined : commentText(declared.comment),
  });
}
