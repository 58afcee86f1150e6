/**
 * What Phoenix asks of rules beyond pve-firewall: that iptables takes them, that proxmox-firewall (1.2, nftables) reads them
 * too, which refuses a whole file for one line, and that they mean what they look like. Pure.
 */
import { readAddresses } from "./fields.ts";
import { isIcmp } from "./icmp-types.ts";
import { kernelRuleFault } from "./kernel.ts";
import { everyName, everyPortName } from "./reading.ts";
import type { FwRule, RulePlace } from "./rule.ts";
import { judgeRule, type ValueFault } from "./rule-faults.ts";

/** Faults of a rule that pve-firewall takes; none for one that both of Proxmox's parsers take alike. */
export function ownFaults(rule: FwRule): readonly ValueFault[] {
  const faults: ValueFault[] = [];
  for (const name of ["dport", "sport"] as const) {
    const text = rule[name];
    // It takes 0 for no port: every port would be open.
    if (text === "0" && !isIcmp(rule.proto))
      faults.push({ parameter: name, message: "port 0 stands for every port" });
    const octal = text?.split(/[,:]/).find((port) => /^0\d/.test(port));
    if (octal !== undefined)
      faults.push({ parameter: name, message: `a leading zero, as in '${octal}', may mean an octal number` });
  }
  if (rule.dport !== undefined && isIcmp(rule.proto))
    faults.push({ parameter: "dport", message: "a type of ICMP belongs into -icmp-type" });
  for (const name of ["iface", "source", "dest"] as const)
    if (rule[name] === "0") faults.push({ parameter: name, message: "0 stands for all" });
  for (const name of ["source", "dest"] as const) {
    const text = rule[name];
    const reading = text === undefined || text === "0" ? undefined : readAddresses(text);
    if (reading !== undefined && "fault" in reading)
      faults.push({ parameter: name, message: `'${reading.fault.part}' is not an address in full` });
  }
  return faults;
}

/** Every fault of a rule that a site declares. Which sets, aliases and names of ports there are only the hypervisor knows. */
export function declaredRuleFaults(rule: FwRule, place: RulePlace): readonly ValueFault[] {
  const known = { familyOf: () => undefined, aliases: everyName, ipsets: everyName, ports: everyPortName };
  const { faults } = judgeRule(rule, place, known);
  if (faults.length > 0) return faults;
  const kernel = kernelRuleFault(rule, () => undefined, place === "guest");
  return [...ownFaults(rule), ...(kernel === undefined ? [] : [{ parameter: "rule", message: kernel }])];
}
