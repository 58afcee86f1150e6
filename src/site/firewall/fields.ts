/** The fields of a firewall rule, each in Proxmox's notation (pve-firewall 5 and proxmox-firewall, the stricter of the two). */

import { addressNumber, addressText, hasHostBits } from "../../formats/ipv4/index.ts";
import { icmpTypeName, icmpTypeNames, isIcmp } from "../../formats/pve-firewall/icmp-types.ts";
import { portNames } from "../../formats/pve-firewall/port-names.ts";
import { isProtocolNumber } from "../../formats/pve-firewall/values.ts";
import { nearest } from "../../formats/text/nearest.ts";
import { parseInterface } from "../machines/addresses.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** Protocols that have ports. */
const withPorts = ["tcp", "udp", "sctp", "dccp", "udplite"];
/** iptables' multiport match takes fifteen numbers; a range counts for two. */
const mostPorts = 15;

/** A protocol's name in lower case; undefined for "any". */
export function readProtocol(cell: Cell | undefined, problems: Problems): string | undefined {
  const word = cell?.text?.toLowerCase();
  if (cell === undefined || word === undefined || word === "any" || word === "all") return undefined;
  const number = /^\d{1,9}$/.test(word) ? String(Number(word)) : word;
  if (/^[a-z][a-z0-9.+-]{0,30}$/.test(word) || isProtocolNumber(number)) return number;
  problems.report("PHX0505", cell.ref, `${JSON.stringify(cell.text)} is no protocol`, {
    hint: /[,/]/.test(word)
      ? "a rule has one protocol: write one rule for each"
      : "tcp, udp, icmp …, or a number up to 255",
  });
  return undefined;
}

/**
 * What commas and lists part; undefined for nothing. Where nothing is written it means everything, with a warning: somebody
 * may have forgotten to fill it in. An empty part beside others is a fault.
 */
function partsOf(
  cell: Cell | undefined,
  code: "PHX0505" | "PHX0506",
  what: "port" | "address",
  problems: Problems,
): readonly string[] | undefined {
  if (cell === undefined) return undefined;
  const { each } = cell;
  if (each.some(({ text }) => text === undefined)) return undefined;
  const partsIn = ({ text = "" }: Cell): readonly string[] => text.split(",").map((part) => part.trim());
  const empty = each.length === 0 ? cell : each.find((item) => partsIn(item).includes(""));
  if (empty === undefined) return each.flatMap(partsIn);
  if (each.length === 0 || (each.length === 1 && empty.text?.trim() === ""))
    problems.report(code, empty.ref, `there is no ${what} in it: every ${what} is meant`, {
      severity: "warning",
      hint: `write "any", or leave the key out, to say so`,
    });
  else problems.report(code, empty.ref, `${JSON.stringify(empty.text)} has an empty part`);
  return undefined;
}

function isAny(parts: readonly string[]): boolean {
  return parts.length === 1 && parts[0]?.toLowerCase() === "any";
}

/** "80,443", "8000:8010": from text, a number or a list of these. Only an absent key and "any" mean every port. */
export function readPorts(
  cell: Cell | undefined,
  protocol: string | undefined,
  problems: Problems,
): string | undefined {
  const parts = partsOf(cell, "PHX0505", "port", problems);
  if (cell === undefined || parts === undefined || isAny(parts)) return undefined;
  const ports = parts.map((part) => portOf(part));
  const bad = parts[ports.indexOf(undefined)];
  if (bad !== undefined) {
    problems.report("PHX0505", cell.ref, `${JSON.stringify(bad)} is not a valid port or range of ports`, {
      hint: "1 to 65535, or a range like 8000:8010",
    });
    return undefined;
  }
  if (ports.reduce((sum, part) => sum + (part?.includes(":") === true ? 2 : 1), 0) > mostPorts) {
    problems.report(
      "PHX0505",
      cell.ref,
      `a rule takes at most ${mostPorts} ports, where a range counts for two`,
    );
    return undefined;
  }
  if (protocol === undefined || !withPorts.includes(protocol)) {
    const what = protocol === undefined ? "without a protocol" : `for ${protocol}`;
    problems.report("PHX0505", cell.ref, `ports ${what} have no meaning`, {
      hint: protocol === undefined ? 'add "proto": "tcp"' : `ports need ${withPorts.join(", ")}`,
    });
    return undefined;
  }
  const unusual = ports.find((port = "") => /^[a-z]/.test(port) && !portNames.has(port));
  if (unusual !== undefined) warnOfName(unusual, cell, problems);
  return [...new Set(ports)].join(",");
}

/** The hypervisor may know a name that Debian does not; a slip would leave the rule out of the firewall. */
function warnOfName(name: string, cell: Cell, problems: Problems): void {
  const near = nearest(name, [...portNames.keys()]);
  problems.report("PHX0505", cell.ref, `${JSON.stringify(name)} is no usual name of a port`, {
    severity: "warning",
    hint: `${near === undefined ? "" : `did you mean ${JSON.stringify(near)}? `}Proxmox leaves the rule out unless the hypervisor's /etc/services has the name; a number is always understood`,
  });
}

function portOf(part: string): string | undefined {
  const [first = "", last, ...more] = part.split(/\s*[:-]\s*/);
  if (isAny([part])) return undefined;
  if (/^[a-z][a-z0-9-]*$/i.test(part)) return part.toLowerCase();
  const isPort = (text: string): boolean =>
    /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
  if (more.length > 0 || !isPort(first)) return undefined;
  if (last === undefined) return String(Number(first));
  return isPort(last) && Number(first) <= Number(last) ? `${Number(first)}:${Number(last)}` : undefined;
}

/** Addresses, networks, a range, an IP set or an alias. Only an absent key and "any" mean every address. */
export function readAddresses(cell: Cell | undefined, problems: Problems): string | undefined {
  const parts = partsOf(cell, "PHX0506", "address", problems);
  if (cell === undefined || parts === undefined || isAny(parts)) return undefined;
  for (const part of parts) {
    const fault = addressFault(part, parts.length);
    if (fault !== undefined) {
      problems.report("PHX0506", cell.ref, `${JSON.stringify(part)} ${fault.message}`, { hint: fault.hint });
      return undefined;
    }
  }
  if (new Set(parts.map((part) => part.includes(":"))).size > 1) {
    problems.report("PHX0506", cell.ref, "a list of addresses is of one family, IPv4 or IPv6");
    return undefined;
  }
  return [...new Set(parts)].join(",");
}

interface Fault {
  readonly message: string;
  readonly hint?: string;
}

function addressFault(part: string, count: number): Fault | undefined {
  if (/^\+?(?:(?:dc|guest|sdn)\/)?[A-Za-z][\w-]+$/.test(part)) {
    // Sets and aliases live in Proxmox's own files; whether they exist is for its checker to say.
    return count === 1 ? undefined : { message: "cannot be in a list: a set or an alias stands alone" };
  }
  if (part.includes(":")) return ipv6Fault(part);
  if (part.includes("-")) {
    const [first, last] = part.split("-").map((end) => addressNumber(end.trim()));
    const isRange = first !== undefined && last !== undefined && first <= last;
    if (!isRange || part.split("-").length !== 2) return { message: "is not a valid range of addresses" };
    return count === 1 ? undefined : { message: "cannot be in a list: a range stands alone" };
  }
  const parsed = parseInterface(part);
  if (parsed === undefined) return { message: "is not a valid address, network, range, IP set or alias" };
  if (parsed.prefix === undefined) return undefined;
  if (!hasHostBits(part)) return undefined;
  return {
    message: "has host bits set, which Proxmox refuses in a rule",
    hint: `the network is ${addressText(parsed.network.first)}/${parsed.prefix}`,
  };
}

function ipv6Fault(part: string): Fault | undefined {
  const isShape = /^(?=.*:)[0-9a-f:.]{2,45}(?:\/(?:\d|[1-9]\d|1[01]\d|12[0-8]))?$/i.test(part);
  const groups = (part.split("/")[0] ?? "").split("::");
  const count = groups.flatMap((group) => (group === "" ? [] : group.split(":"))).length;
  const isWhole = groups.length === 1 ? count === 8 : groups.length === 2 && count < 8;
  return isShape && isWhole ? undefined : { message: "is no IPv6 address or network" };
}

/** Proxmox's name of a type, from its name or number: it takes names only. Undefined for "any". */
export function readIcmpType(
  cell: Cell | undefined,
  protocol: string | undefined,
  problems: Problems,
): string | undefined {
  const { text } = cell ?? {};
  if (cell === undefined || text === undefined) return undefined;
  if (!isIcmp(protocol)) {
    problems.report("PHX0509", cell.ref, "an ICMP type needs the protocol icmp");
    return undefined;
  }
  const name = icmpTypeName(protocol, text);
  // There is no "any" for ICMPv6; no type at all means the same.
  if (name !== undefined || text.toLowerCase() === "any") return name;
  const near = nearest(text, icmpTypeNames(protocol));
  problems.report("PHX0509", cell.ref, `${JSON.stringify(text)} is no type of ${protocol} to Proxmox`, {
    hint:
      near === undefined
        ? "a name like echo-request, or the number of a type that has a name: 8, 3/4"
        : `did you mean ${JSON.stringify(near)}?`,
  });
  return undefined;
}

/** Guests' rules go into a security group, which takes no interface; a guest's own interfaces are net0, net1 … */
export function readInterface(
  cell: Cell | undefined,
  zone: "host" | "guest",
  problems: Problems,
): string | undefined {
  const name = cell?.text;
  if (cell === undefined || name === undefined) return undefined;
  if (zone === "guest" && !/^net\d+$/.test(name)) {
    problems.report("PHX0507", cell.ref, `${JSON.stringify(name)} is no interface of a guest`, {
      hint: "a guest's firewall knows net0, net1 …; leave it out to mean all of them",
    });
    return undefined;
  }
  if (/^[a-z][a-z0-9_]{1,20}(?:[:.]\d+)?$/.test(name)) return name;
  problems.report(
    "PHX0507",
    cell.ref,
    `${JSON.stringify(name)} is no interface's name to Proxmox's firewall`,
  );
  return undefined;
}
