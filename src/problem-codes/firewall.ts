/** PHX05xx: firewall settings and rules, and what they do to the fabric. */
import { both, error, warning } from "./kind.ts";

export const firewallCodes = {
  PHX0501: error`firewall not declared
    A guest's firewall is enabled and the hypervisor's configuration has none, or a firewall has no \`enabled\`. An absent key does not switch it off.
    Write "firewall": {"enabled": true} or {"enabled": false}.`,
  PHX0502: error`firewall declared twice
    The firewall is declared at the top level and in shared_volumes.
    Keep the one at the top level.`,
  PHX0503: error`invalid policy
    A policy is not one of Proxmox's.
    Use ACCEPT, DROP or REJECT.`,
  PHX0504: error`invalid direction or action
    A rule's direction is not in or out, or its action is not one of Proxmox's.
    Use in or out, and ACCEPT, DROP or REJECT, with a macro SSH(ACCEPT).`,
  PHX0505: both`invalid protocol or port
    A rule's protocol or ports are not valid, or the protocol has no ports. It is a warning when the ports are empty, which means
    all ports, or when a port name is not one of Debian's.
    Use numbers ("80,443", "8000:8010") with tcp or udp, and "any" for all ports.`,
  PHX0506: both`invalid address in a rule
    A rule's address is not valid, has host bits set, or is of another family than the rest. It is a warning when the address is
    empty, which means all addresses.
    Use an address, a network, a range, an IP set or an alias, and "any" for all addresses.`,
  PHX0507: error`invalid interface
    A rule's interface is not a name that Proxmox's firewall takes.
    Use net0, net1 … in a guest's rules and the bridge's name in the hypervisor's, or remove the key.`,
  PHX0508: warning`duplicate rule
    A firewall rule is declared twice. The copy is ignored.
    Remove the copy.`,
  PHX0509: error`unknown macro, log level or ICMP type
    A rule has a macro, a log level or an ICMP type that Proxmox does not know, or an ICMP type without the protocol icmp.
    Use a name from Proxmox's lists.`,
  PHX0520: error`firewall drops a connection that the fabric needs
    The declared rules would drop a connection without which the site does not work: gateway to mesh, mesh to service, Portainer
    to agent, guests to DNS, NFS or the CA, clients to the gateway, or administrators to SSH and Proxmox's web interface.
    Accept the connection in a rule before the one that drops it, or narrow that rule.`,
  PHX0521: warning`shadowed rule
    An earlier rule matches everything that this rule matches, so this rule has no effect.
    Remove the rule, or put it before the earlier one.`,
  PHX0522: warning`rule without effect
    A rule opens nothing, because the guest's firewall is off or the rule is for the address of another machine.
    Set "enabled": true in the guest's firewall, correct the address, or remove the rule.`,
  PHX0523: error`rule that Proxmox refuses
    One of Proxmox's two firewall parsers would not take the rule. One leaves such a rule out, the other refuses the whole file.
    Correct the field that the message names.`,
  PHX0524: error`cluster.fw too large
    cluster.fw would be larger than 1 MiB, which Proxmox's cluster file system does not take.
    Enable the firewall of fewer guests, or write fewer rules and shorter comments.`,
} as const;
