/** The fields of a firewall rule in the site's looser notation, converted to Proxmox's and checked by its reader. */

import type { Fault } from "../../formats/fault.ts";
import { addressRange, addressText } from "../../formats/ipv4/index.ts";
import { portNames } from "../../formats/netbase/ports.ts";
import {
  type FieldFault,
  hasPorts,
  portLimit,
  type Reading,
  readAddresses,
  readInterface as readInterfaceName,
  readPorts as readPortList,
  readProtocol as readProtocolNumber,
} from "../../formats/pve-firewall/fields.ts";
import { icmpTypeName, icmpTypeNames, isIcmp } from "../../formats/pve-firewall/icmp-types.ts";
import { nearest } from "../../formats/text/nearest.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

type Code = "PHX0505" | "PHX0506" | "PHX0507";

/** The meaning of a value; undefined where it is faulty, which is reported. */
function meaningOf<Meaning>(
  reading: Reading<Meaning>,
  code: Code,
  cell: Cell,
  problems: Problems,
): Meaning | undefined {
  if ("meaning" in reading) return reading.meaning;
  const { message, hint } = inWords(reading.fault);
  problems.report(code, cell.ref, message, { hint });
  return undefined;
}

function inWords({ kind, part }: FieldFault): Fault {
  const name = JSON.stringify(part);
  switch (kind) {
    case "invalid protocol":
      return {
        message: `unknown protocol ${name}`,
        hint: /[,/]/.test(part)
          ? "a rule has one protocol: write one rule for each"
          : "tcp, udp, icmp …, or a number that /etc/protocols has",
      };
    case "invalid port":
      return {
        message: `${name} is not a valid port or range of ports`,
        hint: "1 to 65535, or a range like 8000:8010",
      };
    case "backwards range":
      return { message: `${name} ends before it begins`, hint: part.split(":").reverse().join(":") };
    case "too many ports":
      return { message: `a rule takes at most ${portLimit} ports, where a range counts twice` };
    case "invalid address":
    case "invalid set name":
      return { message: `${name} is not a valid address, network, range, IP set or alias` };
    case "invalid address range":
      return { message: `${name} is not a valid range of addresses` };
    case "host bits": {
      const { first } = addressRange(part) ?? {};
      const hint =
        first === undefined ? {} : { hint: `the network is ${addressText(first)}/${part.split("/")[1]}` };
      return { message: `${name} has host bits set, which Proxmox refuses in a rule`, ...hint };
    }
    case "mixed families":
      return { message: "a list of addresses has one family, IPv4 or IPv6" };
    case "range in a list":
    case "name in a list":
      return { message: `${name} cannot be in a list: a range, a set or an alias stands alone` };
    case "trailing comma":
      return { message: `${name} has an empty part` };
    case "invalid interface":
      return {
        message: `${name} is not a valid interface name for Proxmox's firewall`,
        hint: "a name like vmbr0; a guest's interfaces are net0, net1 …",
      };
    case "foreign interface":
      return {
        message: `${name} is not an interface of a guest`,
        hint: "a guest's firewall knows net0, net1 …; leave it out to mean all of them",
      };
  }
}

/** A protocol's name in lower case, or its number; undefined for "any". */
export function readProtocol(cell: Cell | undefined, problems: Problems): string | undefined {
  const word = cell?.text?.toLowerCase();
  if (cell === undefined || word === undefined || word === "any" || word === "all") return undefined;
  const text = /^\d{1,9}$/.test(word) ? String(Number(word)) : word;
  const known = meaningOf(readProtocolNumber(text), "PHX0505", cell, problems);
  return known === undefined ? undefined : text;
}

/**
 * The parts of a list or of a text with commas; undefined for none. An empty value means everything, with a warning: somebody
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
    problems.report(code, empty.ref, `an empty ${what} means every ${what}`, {
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
  const ports = [...new Set(parts.map(portText))];
  const spans = meaningOf(portsReading(ports), "PHX0505", cell, problems);
  if (spans === undefined) return undefined;
  if (!hasPorts(protocol)) {
    const what = protocol === undefined ? "without a protocol" : `for ${protocol}`;
    problems.report("PHX0505", cell.ref, `ports ${what} have no meaning`, {
      hint: protocol === undefined ? 'add "proto": "tcp"' : "ports need tcp, udp, sctp, dccp or udplite",
    });
    return undefined;
  }
  const unusual = ports[spans.indexOf(undefined)];
  if (unusual !== undefined) warnOfName(unusual, cell, problems);
  return ports.join(",");
}

/** A port or range as Proxmox writes it; ranges may have spaces, "-" and leading zeros here. */
function portText(part: string): string {
  const [, first, last] = /^(\d{1,5})(?:\s*[:-]\s*(\d{1,5}))?$/.exec(part) ?? [];
  if (first === undefined) return part.toLowerCase();
  return last === undefined ? String(Number(first)) : `${Number(first)}:${Number(last)}`;
}

/** "any" in a list and port 0 are invalid: they would open every port. */
function portsReading(ports: readonly string[]): ReturnType<typeof readPortList> {
  const bad = ports.find((port) => port === "any" || /^0(?::|$)/.test(port));
  return bad === undefined ? readPortList(ports.join(",")) : { fault: { kind: "invalid port", part: bad } };
}

/** The hypervisor may know a name that Debian does not; a slip would leave the rule out of the firewall. */
function warnOfName(name: string, cell: Cell, problems: Problems): void {
  const near = nearest(name, [...portNames.keys()]);
  problems.report("PHX0505", cell.ref, `${JSON.stringify(name)} is not a usual port name`, {
    severity: "warning",
    hint: `${near === undefined ? "" : `did you mean ${JSON.stringify(near)}? `}Proxmox leaves the rule out unless the hypervisor's /etc/services has the name; a number always works`,
  });
}

/** Addresses, networks, a range, an IP set or an alias. Only an absent key and "any" mean every address. */
export function readEnd(cell: Cell | undefined, problems: Problems): string | undefined {
  const parts = partsOf(cell, "PHX0506", "address", problems);
  if (cell === undefined || parts === undefined || isAny(parts)) return undefined;
  const addresses = [...new Set(parts.map((part) => part.replace(/\s*-\s*(?=\d)/, "-")))].join(",");
  // Sets and aliases are defined in Proxmox's own files; whether they exist is for its checker to say.
  return meaningOf(readAddresses(addresses), "PHX0506", cell, problems) && addresses;
}

/** Proxmox's name of a type, from its name or number: Proxmox takes names only. Undefined for "any". */
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
  // ICMPv6 has no type "any"; a rule without a type means the same.
  if (name !== undefined || text.toLowerCase() === "any") return name;
  const near = nearest(text, icmpTypeNames(protocol));
  problems.report("PHX0509", cell.ref, `unknown ${protocol} type ${JSON.stringify(text)}`, {
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
  if (cell?.text === undefined) return undefined;
  return meaningOf(readInterfaceName(cell.text, zone), "PHX0507", cell, problems);
}
