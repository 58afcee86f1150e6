/** Proxmox's firewall macros (pve-firewall 6.0.4): every name, and what each stands for. */
import { defined } from "../../defined.ts";
import { type FwRule, isGiven } from "./rule.ts";

export interface MacroPart {
  /** A name, or a number where Proxmox has no name for it. */
  readonly protocol: string;
  /** Destination ports in Proxmox's notation, for ICMP the type, as Proxmox has it; absent for protocols without ports. */
  readonly ports?: string;
  readonly sourcePorts?: string;
}

/** NAME=PART+PART…, each part `protocol:ports<source ports`. */
const table = `Amanda=udp:10080+tcp:10080 Auth=tcp:113 BGP=tcp:179 BitTorrent=tcp:6881:6889+udp:6881
BitTorrent32=tcp:6881:6999+udp:6881 Ceph=tcp:6789+tcp:3300+tcp:6800:7300 Citrix=tcp:1494+udp:1604+tcp:2598
CVS=tcp:2401 DAAP=tcp:3689+udp:3689 DCC=tcp:6277 DHCPfwd=udp:67:68<67:68 DHCPv6=udp:546:547<546:547
Distcc=tcp:3632 DNS=udp:53+tcp:53 Finger=tcp:79 FTP=tcp:21 Git=tcp:9418
GNUnet=tcp:2086+udp:2086+tcp:1080+udp:1080 GRE=47 HKP=tcp:11371 HTTP=tcp:80 HTTPS=tcp:443 ICPV2=udp:3130
ICQ=tcp:5190 IMAP=tcp:143 IMAPS=tcp:993 IPIP=94 IPsec=udp:500<500+50 IPsecah=udp:500<500+51
IPsecnat=udp:500+udp:4500+50 IRC=tcp:6667 Jetdirect=tcp:9100 L2TP=udp:1701 LDAP=tcp:389 LDAPS=tcp:636
Mail=tcp:25+tcp:465+tcp:587 MDNS=udp:5353 MSNP=tcp:1863 MSSQL=tcp:1433 Munin=tcp:4949 MySQL=tcp:3306
NeighborDiscovery=icmpv6:router-solicitation+icmpv6:router-advertisement+icmpv6:neighbor-solicitation+icmpv6:neighbor-advertisement
NNTP=tcp:119 NNTPS=tcp:563 NTP=udp:123 OpenVPN=udp:1194 OSPF=89 PCA=udp:5632+tcp:5631 Ping=icmp:echo-request
PMG=tcp:8006 POP3=tcp:110 POP3S=tcp:995 PostgreSQL=tcp:5432 PPtP=47+tcp:1723 Printer=tcp:515 Razor=tcp:2703
Rdate=tcp:37 RDP=tcp:3389 RIP=udp:520 RNDC=tcp:953 Rsync=tcp:873 SANE=tcp:6566
SixXS=tcp:3874+udp:3740+41+udp:5072,8374 SMB=udp:135,445+udp:137:139+udp:1024:65535<137+tcp:135,139,445
SMBswat=tcp:901 SMTP=tcp:25 SMTPS=tcp:465 SNMP=udp:161:162+tcp:161 SPAMD=tcp:783 SPICEproxy=tcp:3128
Squid=tcp:3128 SSH=tcp:22 Submission=tcp:587 SVN=tcp:3690 Syslog=udp:514+tcp:514 Telnet=tcp:23 Telnets=tcp:992
TFTP=udp:69 Time=tcp:37 Trcrt=udp:33434:33524+icmp:echo-request VNC=tcp:5900:5999 VNCL=tcp:5500
Web=tcp:80+tcp:443 Webcache=tcp:8080 Webmin=tcp:10000 Whois=tcp:43`;

/** Macros that mean something else in the rules for IPv6. */
const forIpv6 = new Map([
  ["ping", [{ protocol: "icmpv6", ports: "echo-request" }]],
  [
    "trcrt",
    [
      { protocol: "udp", ports: "33434:33524" },
      { protocol: "icmpv6", ports: "echo-request" },
    ],
  ],
]);
const ipv6Only = new Set(["dhcpv6", "neighbordiscovery"]);

const macros = new Map(
  table.split(/\s+/).map((entry) => {
    const [name = "", parts = ""] = entry.split("=");
    return [name.toLowerCase(), { name, parts: parts.split("+").map(partOf) }] as const;
  }),
);

function partOf(text: string): MacroPart {
  const [service = "", sourcePorts] = text.split("<");
  const [protocol = "", ...ports] = service.split(":");
  return defined({ protocol, ports: ports.length === 0 ? undefined : ports.join(":"), sourcePorts });
}

/** Proxmox's spelling of a macro, in any letter case; undefined for an unknown macro. */
export function macroName(text: string): string | undefined {
  return macros.get(text.toLowerCase())?.name;
}

/**
 * The services that a macro stands for; undefined for an unknown macro.
 * @param family of the rules; some macros are about one family, or mean another ICMP in each. IPv4, and whatever stands for
 *   IPv6 only, unless given
 */
export function macroParts(text: string, family?: 4 | 6): readonly MacroPart[] | undefined {
  const name = text.toLowerCase();
  if (family === 4 && ipv6Only.has(name)) return [];
  return (family === 6 ? forIpv6.get(name) : undefined) ?? macros.get(name)?.parts;
}

/** One match of a rule. */
export type RulePart = Pick<FwRule, "proto" | "dport" | "sport" | "icmpType">;

/** The matches of a rule: a macro may be several. Undefined stands for a macro that is unknown. */
export function partsOf(rule: FwRule, family: 4 | 6): readonly (RulePart | undefined)[] {
  const { macro, proto, dport, sport, icmpType } = rule;
  const own = { proto, dport, sport, icmpType } as RulePart;
  if (!isGiven(macro)) return [own];
  const parts = macroParts(macro, family);
  if (parts === undefined) return [undefined];
  return parts.map(({ protocol, ports = dport, sourcePorts = sport }) => ({
    ...own,
    proto: protocol,
    ...(ports === undefined ? {} : { dport: ports }),
    ...(sourcePorts === undefined ? {} : { sport: sourcePorts }),
  }));
}
