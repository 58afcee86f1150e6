/** The options of Proxmox's firewall files, as pve-firewall 6.0.4 keeps them. Part of the oracle: see read.ts. */
import { space } from "./ip.ts";

const level = "((?:emerg|alert|crit|err|warning|notice|info|debug|nolog)?)";
const policy = "(accept|drop|reject)";

/** Names and values, both in any letter case, and what becomes of the value. */
const known: Readonly<
  Record<"cluster" | "host" | "guest", readonly (readonly [names: string, value: string, kept?: Kept])[]>
> = {
  cluster: [
    ["enable", "(\\d+)", "number"],
    ["ebtables", "([01])"],
    ["policy_in|policy_out|policy_forward", policy, "upper"],
  ],
  host: [
    [
      "enable|nosmurfs|tcpflags|ndp|log_nf_conntrack|nf_conntrack_allow_invalid|protection_synflood|nftables",
      "([01])",
    ],
    ["log_level_in|log_level_out|log_level_forward|tcp_flags_log_level|smurf_log_level", level, "lower"],
    ["nf_conntrack_helpers", "([^ \\t\\r\\n\\f\\v]+)", "lower"],
    [
      "nf_conntrack_max|nf_conntrack_tcp_timeout_established|nf_conntrack_tcp_timeout_syn_recv",
      "(\\d+)",
      "number",
    ],
    ["protection_synflood_rate|protection_synflood_burst|protection_limit", "(\\d+)", "number"],
  ],
  guest: [
    ["enable|dhcp|ndp|radv|macfilter|ipfilter|ips", "([01])"],
    ["log_level_in|log_level_out", level, "lower"],
    ["policy_in|policy_out", policy, "upper"],
    ["ips_queues", "(\\d+(?::\\d+)?)"],
    ["layer2_protocols", "([^ \\t\\r\\n\\f\\v]+)"],
  ],
};

type Kept = "number" | "upper" | "lower";

/** An option, or what Proxmox says about the line; `dies` where the reading ends there. */
export type ReadOption =
  | { readonly name: string; readonly value: string; readonly dies?: string }
  | { readonly error: string };

export function readOption(line: string, place: "cluster" | "host" | "guest"): ReadOption {
  if (place === "cluster") {
    const rate = new RegExp(`^log_ratelimit:${space}*([^ \\t\\r\\n\\f\\v]+)${space}*$`).exec(line)?.[1];
    const dies = rate === undefined ? undefined : rateLimitError(rate);
    if (rate !== undefined)
      return { name: "log_ratelimit", value: rate, ...(dies === undefined ? {} : { dies }) };
  }
  for (const [names, value, kept] of known[place]) {
    const pattern = new RegExp(`^(${names}):${space}*${value}${space}*$`, "i");
    const [, name, text = ""] = pattern.exec(line) ?? [];
    if (name === undefined) continue;
    const error = listError(name.toLowerCase(), text);
    return error === undefined ? { name: name.toLowerCase(), value: asKept(text, kept) } : { error };
  }
  return { error: `can't parse option '${line}'` };
}

function asKept(text: string, kept: Kept | undefined): string {
  if (kept === "upper") return text.toUpperCase();
  if (kept === "lower") return text.toLowerCase();
  return kept === "number" ? String(Number(text)) : text;
}

/** Lines of Debian's /etc/ethertypes whose number has digits only; Proxmox reads no others. */
const ethertypes = new Map([
  ...Object.entries({ IPv4: "0800", X25: "0805", ARP: "0806", FR_ARP: "0808", TEB: "6558", RAW_FR: "6559" }),
  ...Object.entries({ RARP: "8035", "802_1Q": "8100", IPX: "8137", NetBEUI: "8191", MPLS: "8847" }),
  ...Object.entries({ MPLS_MULTI: "8848", PPP_DISC: "8863", PPP_SES: "8864", ATMFATE: "8884" }),
  ...Object.entries({ FCOE: "8906", FIP: "8914", ROCE: "8915" }),
]);
const ethernumbers = new Set(ethertypes.values());
const conntrackHelpers = /^(?:amanda|ftp|irc|netbios-ns|pptp|sane|sip|snmp|tftp)$/;

function listError(name: string, text: string): string | undefined {
  if (name === "nf_conntrack_helpers") {
    if (text.endsWith(",")) return "extraneous commas in list";
    const unknown = text
      .toLowerCase()
      .split(",")
      .find((helper) => !conntrackHelpers.test(helper));
    return unknown === undefined ? undefined : `unknown helper ${unknown}`;
  }
  if (name !== "layer2_protocols") return undefined;
  const parts = text.replace(/,+$/, "").split(",");
  const unknown = parts.find((part) => !ethertypes.has(part) && !ethernumbers.has(part));
  return unknown === undefined ? undefined : `unknown ethernet protocol type: ${unknown}`;
}

/** log_ratelimit is a property string: enable, which is required, rate and burst. */
function rateLimitError(text: string): string | undefined {
  const given = new Map<string, string>();
  for (const part of text.split(",")) {
    if (part === "") continue;
    const [, key, value] = /^([^=]+)=(.+)$/.exec(part) ?? [];
    if (key === undefined && part.includes("=")) return "missing key in comma-separated list property";
    const [name, content] = key === undefined || value === undefined ? ["enable", part] : [key, value];
    if (given.has(name)) return `duplicate key in comma-separated list property: ${name}`;
    given.set(name, content);
  }
  const checks: Readonly<Record<string, RegExp>> = {
    enable: /^(?:[01]|on|off|yes|no|true|false)$/i,
    rate: /^[1-9][0-9]*\/(?:second|minute|hour|day)$/,
    burst: /^\d+$/,
  };
  for (const [key, value] of given) {
    if (checks[key] === undefined) return `format error\n${key}: property is not defined in schema`;
    if (!checks[key].test(value)) return `format error\n${key}: type check failed - got '${value}'`;
  }
  return given.has("enable") ? undefined : "format error\nenable: property is missing and it is not optional";
}
