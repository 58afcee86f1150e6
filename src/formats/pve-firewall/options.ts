/** The options of Proxmox's firewall files (pve-firewall 6.0.4). Pure. */
import { asBytes } from "./bytes.ts";
import type { FilePlace } from "./rule.ts";

type Reader = (text: string) => string | undefined;

/** A value in any letter case; `written` is how Proxmox keeps it. */
function matching(pattern: RegExp, written: (text: string) => string = (text) => text): Reader {
  const whole = asBytes(new RegExp(`^(?:${pattern.source})$`, "i"));
  return (text) => (whole.test(text) ? written(text) : undefined);
}

const flag = matching(/[01]/);
const number = matching(/\d+/, (text) => String(Number(text)));
const policy = matching(/ACCEPT|DROP|REJECT/, (text) => text.toUpperCase());
const level = matching(/(?:emerg|alert|crit|err|warning|notice|info|debug|nolog)?/, (text) =>
  text.toLowerCase(),
);

/** Options of each file, by their names in lower case. */
const readers: Readonly<Record<FilePlace, ReadonlyMap<string, Reader>>> = {
  cluster: table({
    enable: number,
    ebtables: flag,
    "policy_in policy_out policy_forward": policy,
    log_ratelimit: matching(/\S+/),
  }),
  host: table({
    "enable nosmurfs tcpflags ndp log_nf_conntrack nf_conntrack_allow_invalid protection_synflood nftables":
      flag,
    "log_level_in log_level_out log_level_forward tcp_flags_log_level smurf_log_level": level,
    nf_conntrack_helpers: matching(/\S+/, (text) => text.toLowerCase()),
    "nf_conntrack_max nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_syn_recv": number,
    "protection_synflood_rate protection_synflood_burst protection_limit": number,
  }),
  guest: table({
    "policy_in policy_out": policy,
    "enable dhcp ndp radv macfilter ipfilter ips": flag,
    "log_level_in log_level_out": level,
    ips_queues: matching(/\d+(?::\d+)?/),
    layer2_protocols: matching(/\S+/),
  }),
};

function table(options: Readonly<Record<string, Reader>>): ReadonlyMap<string, Reader> {
  return new Map(
    Object.entries(options).flatMap(([names, read]) => names.split(" ").map((name) => [name, read])),
  );
}

const optionPattern = asBytes(/^(\w+):\s*(.*?)\s*$/);

/**
 * Reads a line of [OPTIONS] as pve-firewall keeps it: names and most values are in any letter case. A line that it does not
 * take has a fault, in its words.
 */
export function readOption(
  line: string,
  place: FilePlace,
): { readonly key: string; readonly value: string } | { readonly fault: string } {
  const [, name = "", text = ""] = optionPattern.exec(line) ?? [];
  const key = name.toLowerCase();
  // The one name that it takes in lower case only.
  const value = key === "log_ratelimit" && name !== key ? undefined : readers[place].get(key)?.(text);
  if (value === undefined) return { fault: `can't parse option '${line}'` };
  const fault = listFaults[key]?.(value);
  return fault === undefined ? { key, value } : { fault };
}

const helpers = "amanda ftp irc netbios-ns pptp sane sip snmp tftp".split(" ");
/** What pve-firewall reads of /etc/ethertypes (netbase 6.4): the lines whose number has no letter, so IPv6 is not among them. */
const ethertypes = new Set(
  `IPv4 0800 X25 0805 ARP 0806 FR_ARP 0808 TEB 6558 RAW_FR 6559 RARP 8035 802_1Q 8100 IPX 8137 NetBEUI 8191 MPLS 8847
MPLS_MULTI 8848 PPP_DISC 8863 PPP_SES 8864 ATMFATE 8884 FCOE 8906 FIP 8914 ROCE 8915`.split(/\s+/),
);

/** Faults of values that are lists of names. */
const listFaults: Readonly<Record<string, (value: string) => string | undefined>> = {
  nf_conntrack_helpers(value) {
    if (value.endsWith(",")) return "extraneous commas in list";
    const unknown = value.split(",").find((name) => !helpers.includes(name));
    return unknown === undefined ? undefined : `unknown helper ${unknown}`;
  },
  layer2_protocols(value) {
    const names = value.replace(/,+$/, "").split(",");
    const unknown = names.find((name) => !ethertypes.has(name));
    return unknown === undefined ? undefined : `unknown ethernet protocol type: ${unknown}`;
  },
};

/** Whether an `enable` of cluster.fw is on: 1, or a time in seconds since the epoch that is not a minute ago. */
export function isOn(enable: string | undefined, nowSeconds: number): boolean {
  const value = Number(enable ?? 0);
  return value === 1 || (value > 1 && nowSeconds - value <= trialSeconds);
}

/** How long a firewall is on that is enabled for a trial. */
export const trialSeconds = 60;

/**
 * Why Proxmox cannot read `log_ratelimit`; undefined where it can. It then ends with an error: no file is read any more, and
 * the node keeps its rules.
 */
export function rateLimitFault(value: string): string | undefined {
  const seen = new Set<string>();
  for (const part of value.split(",").filter((each) => each !== "")) {
    const [, key = "enable", text = part] = /^([^=]+)=(.+)$/.exec(part) ?? [];
    if (key === "enable" && text.includes("=")) return "missing key in comma-separated list property";
    const known = rateLimit[key];
    if (known === undefined) return `${key}: property is not defined in schema`;
    if (seen.has(key)) return `duplicate key in comma-separated list property: ${key}`;
    seen.add(key);
    if (!known.pattern.test(text)) return `${key}: ${known.fault(text)}`;
  }
  return seen.has("enable") ? undefined : "enable: property is missing and it is not optional";
}

const rateLimit: Readonly<Record<string, { readonly pattern: RegExp; fault(text: string): string }>> = {
  enable: {
    pattern: /^(?:0|1|on|off|yes|no|true|false)$/i,
    fault: (text) => `type check ('boolean') failed - got '${text}'`,
  },
  rate: {
    pattern: /^[1-9]\d*\/(?:second|minute|hour|day)$/,
    fault: () => "value does not match the regex pattern",
  },
  burst: { pattern: /^\d+$/, fault: (text) => `type check ('integer') failed - got '${text}'` },
};
