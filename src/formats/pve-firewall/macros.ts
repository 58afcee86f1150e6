/** Proxmox's firewall macros (pve-firewall 6.0): every name, and what those mean that people use for services. */

export interface MacroPart {
  readonly protocol: string;
  /** Destination ports in Proxmox's notation; absent for protocols without ports. */
  readonly ports?: string;
}

/** All 86 names, in Proxmox's own spelling. */
const names =
  `Amanda Auth BGP BitTorrent BitTorrent32 CVS Ceph Citrix DAAP DCC DHCPfwd DHCPv6 DNS Distcc FTP Finger GNUnet
GRE Git HKP HTTP HTTPS ICPV2 ICQ IMAP IMAPS IPIP IPsec IPsecah IPsecnat IRC Jetdirect L2TP LDAP LDAPS MDNS MSNP MSSQL
Mail Munin MySQL NNTP NNTPS NTP NeighborDiscovery OSPF OpenVPN PCA PMG POP3 POP3S PPtP Ping PostgreSQL Printer RDP RIP
RNDC Razor Rdate Rsync SANE SMB SMBswat SMTP SMTPS SNMP SPAMD SPICEproxy SSH SVN SixXS Squid Submission Syslog TFTP
Telnet Telnets Time Trcrt VNC VNCL Web Webcache Webmin Whois`.split(/\s+/);

const tcp = (ports: string): readonly MacroPart[] => [{ protocol: "tcp", ports }];
const both = (ports: string): readonly MacroPart[] => [
  { protocol: "udp", ports },
  { protocol: "tcp", ports },
];

const meanings: Readonly<Record<string, readonly MacroPart[]>> = {
  dns: both("53"),
  ftp: tcp("21"),
  git: tcp("9418"),
  http: tcp("80"),
  https: tcp("443"),
  imap: tcp("143"),
  imaps: tcp("993"),
  ldap: tcp("389"),
  ldaps: tcp("636"),
  mdns: [{ protocol: "udp", ports: "5353" }],
  mssql: tcp("1433"),
  mysql: tcp("3306"),
  ntp: [{ protocol: "udp", ports: "123" }],
  ping: [{ protocol: "icmp" }],
  pop3: tcp("110"),
  pop3s: tcp("995"),
  postgresql: tcp("5432"),
  rdp: both("3389"),
  rsync: tcp("873"),
  smtp: tcp("25"),
  smtps: tcp("465"),
  ssh: tcp("22"),
  squid: tcp("3128"),
  submission: tcp("587"),
  syslog: both("514"),
  telnet: tcp("23"),
  web: tcp("80,443"),
  webmin: tcp("10000"),
  whois: tcp("43"),
};

/** Proxmox's spelling of a macro, whatever case it is written in; undefined when there is none. */
export function macroName(text: string): string | undefined {
  return names.find((name) => name.toLowerCase() === text.toLowerCase());
}

/** What a macro stands for; undefined for one that this table does not spell out. */
export function macroParts(text: string): readonly MacroPart[] | undefined {
  const key = text.toLowerCase();
  return Object.hasOwn(meanings, key) ? meanings[key] : undefined;
}
