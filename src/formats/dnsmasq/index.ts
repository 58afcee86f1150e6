/** The dnsmasq files that Phoenix writes: printing and reading back. dnsmasq 2.90 and 2.91 behave as described here. */

export interface DnsRecordLine {
  readonly name: string;
  readonly address: string;
}

export interface DnsmasqOptions {
  /** Addresses to listen on. */
  readonly listen: readonly string[];
  /** The zone that is answered from local records only: other names in it do not exist. */
  readonly domain: string;
  readonly upstreams: readonly string[];
  /** Directory of hosts files that dnsmasq watches: changes need no signal. */
  readonly hostsDirectory: string;
  /** Names outside the zone that have local records: their other record types are answered here too. */
  readonly localNames: readonly string[];
}

const banner = "# Written by phoenix. Changes made by hand are replaced at the next sync.\n";

/**
 * The static configuration. Changing it needs a restart, so it has nothing that changes often. It has no option that may occur
 * only once (cache-size, local-ttl), which could collide with one of the administrator's files.
 */
export function dnsmasqConf(options: DnsmasqOptions): string {
  const lines = [
    // A wildcard-bound instance would collide with those of Proxmox SDN.
    "bind-dynamic",
    ...options.listen.map((address) => `listen-address=${address}`),
    "no-resolv",
    // /etc/hosts names the hypervisor by addresses that mean nothing to clients (127.0.1.1).
    "no-hosts",
    "domain-needed",
    "bogus-priv",
    "stop-dns-rebind",
    `rebind-domain-ok=/${options.domain}/`,
    `domain=${options.domain}`,
    `local=/${options.domain}/`,
    ...options.localNames.map((name) => `local=/${name}/`),
    ...options.upstreams.map((address) => `server=${address}`),
    `hostsdir=${options.hostsDirectory}`,
  ];
  return `${banner}${lines.join("\n")}\n`;
}

/** Wildcards: every name below `*.x`. `local=` makes their other record types empty instead of non-existent. */
export function wildcardConf(records: readonly DnsRecordLine[]): string {
  const lines = records.flatMap(({ name, address }) => [`address=/${name}/${address}`, `local=/${name}/`]);
  return `${banner}${[...new Set(lines)].join("\n")}${lines.length === 0 ? "" : "\n"}`;
}

/** A hosts file. The first name of an address is the one that PTR queries get, so order matters and is kept. */
export function hostsFile(records: readonly DnsRecordLine[]): string {
  return `${banner}${records.map(({ name, address }) => `${address} ${name}\n`).join("")}`;
}

/** The records of a hosts file, in order; comments and empty lines are skipped. */
export function parseHostsFile(text: string): readonly DnsRecordLine[] {
  return text.split("\n").flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return address === undefined || address === "" ? [] : names.map((name) => ({ name, address }));
  });
}

/** An option of a configuration file. A flag has the value "". */
export interface ConfLine {
  readonly name: string;
  readonly value: string;
  /** Counts from 1. */
  readonly line: number;
}

export function parseConfLines(text: string): readonly ConfLine[] {
  return text.split("\n").flatMap((raw, at): ConfLine[] => {
    const option = raw.replace(/(^|\s)#.*/, "").trim();
    if (option === "") return [];
    const equals = option.indexOf("=");
    const [name, value] = equals < 0 ? [option, ""] : [option.slice(0, equals), option.slice(equals + 1)];
    return [{ name: name.trim(), value: value.trim(), line: at + 1 }];
  });
}

/** Options of a configuration file as [name, value] pairs. */
export function parseConf(text: string): readonly (readonly [string, string])[] {
  return parseConfLines(text).map(({ name, value }) => [name, value]);
}
