/** The options of Proxmox's firewall files (pve-firewall 6.0.4). Pure. */
import type { FilePlace } from "./rule.ts";

const policies = /^(?:accept|drop|reject)$/i;
const levels = /^(?:emerg|alert|crit|err|warning|notice|info|debug|nolog)?$/i;
/** Options of each file with their values, both in any letter case. */
const values: Readonly<Record<FilePlace, readonly (readonly [name: RegExp, value: RegExp])[]>> = {
  cluster: [
    [/^policy_(?:in|out|forward)$/, policies],
    [/^ebtables$/, /^[01]$/],
    [/^enable$/, /^\d+$/],
    [/^log_ratelimit$/, /^\S+$/],
  ],
  host: [
    [
      /^(?:enable|nosmurfs|tcpflags|ndp|log_nf_conntrack|nf_conntrack_allow_invalid|protection_synflood|nftables)$/,
      /^[01]$/,
    ],
    [/^(?:log_level_(?:in|out|forward)|tcp_flags_log_level|smurf_log_level)$/, levels],
    [/^nf_conntrack_helpers$/, /^\S+$/],
    [
      /^(?:nf_conntrack_(?:max|tcp_timeout_established|tcp_timeout_syn_recv)|protection_(?:synflood_rate|synflood_burst|limit))$/,
      /^\d+$/,
    ],
  ],
  guest: [
    [/^policy_(?:in|out)$/, policies],
    [/^(?:enable|dhcp|ndp|radv|macfilter|ipfilter|ips)$/, /^[01]$/],
    [/^log_level_(?:in|out)$/, levels],
    [/^ips_queues$/, /^\d+(?::\d+)?$/],
    [/^layer2_protocols$/, /^\S+$/],
  ],
};

/**
 * Reads a line of [OPTIONS]; undefined where pve-firewall refuses it. Names become lower case and policies upper case, which
 * is how both of Proxmox's parsers take them.
 */
export function readOption(
  line: string,
  place: FilePlace,
): { readonly key: string; readonly value: string } | undefined {
  const [, name = "", text = ""] = /^(\w+):\s*(.*)$/.exec(line) ?? [];
  const key = name.toLowerCase();
  const known = values[place].find(([pattern]) => pattern.test(key));
  if (known?.[1].test(text) !== true) return undefined;
  return { key, value: key.startsWith("policy_") ? text.toUpperCase() : text };
}
