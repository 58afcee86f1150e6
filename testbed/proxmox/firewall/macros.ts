/** The macros of pve-firewall that people use on services, as protocol and ports. The rest of its 86 are not known here. */

export interface Match {
  readonly p?: string;
  readonly dport?: string;
  readonly "icmp-type"?: string;
}

const tcp = (...ports: readonly string[]): readonly Match[] => ports.map((dport) => ({ p: "tcp", dport }));
const udp = (...ports: readonly string[]): readonly Match[] => ports.map((dport) => ({ p: "udp", dport }));

/** By name in lower case: macros are found whatever their case. */
export const macros: ReadonlyMap<string, readonly Match[]> = new Map([
  ["dhcpfwd", udp("67:68")],
  ["dns", [...udp("53"), ...tcp("53")]],
  ["ftp", tcp("21")],
  ["git", tcp("9418")],
  ["http", tcp("80")],
  ["https", tcp("443")],
  ["imap", tcp("143")],
  ["imaps", tcp("993")],
  ["ldap", tcp("389")],
  ["ldaps", tcp("636")],
  ["mdns", udp("5353")],
  ["mysql", tcp("3306")],
  ["ntp", udp("123")],
  ["ping", [{ p: "icmp", "icmp-type": "echo-request" }]],
  ["postgresql", tcp("5432")],
  ["rdp", tcp("3389")],
  ["rsync", tcp("873")],
  ["smb", [...udp("135,445", "137:139"), ...tcp("135,139,445")]],
  ["smtp", tcp("25")],
  ["smtps", tcp("465")],
  ["snmp", [...udp("161:162"), ...tcp("161")]],
  ["spiceproxy", tcp("3128")],
  ["ssh", tcp("22")],
  ["submission", tcp("587")],
  ["syslog", [...udp("514"), ...tcp("514")]],
  ["telnet", tcp("23")],
  ["tftp", udp("69")],
  ["trcrt", [...udp("33434:33524"), { p: "icmp", "icmp-type": "echo-request" }]],
  ["vnc", tcp("5900:5999")],
  ["web", tcp("80", "443")],
  ["webcache", tcp("8080")],
  ["webmin", tcp("10000")],
  ["whois", tcp("43")],
]);
