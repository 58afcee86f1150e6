/** Every problem that Phoenix reports about a site, by code. A code never changes its meaning and is never given to another problem. */

export type Severity = "error" | "warning";

interface ProblemKind {
  /** "both": an error or a warning by case. */
  readonly severity: Severity | "both";
  readonly title: string;
}

export const problemCodes = {
  PHX0001: { severity: "error", title: "A file is not there." },
  PHX0002: {
    severity: "error",
    title: "A directory, a device or an unreadable file stands where a file should be.",
  },
  PHX0003: { severity: "error", title: "A file is larger than 16 MiB." },
  PHX0004: { severity: "error", title: "A file is not UTF-8 text." },
  PHX0005: {
    severity: "error",
    title: "A file is no JSON; the place is the first character that does not fit.",
  },
  PHX0006: { severity: "error", title: "A key is in one object twice." },
  PHX0101: { severity: "error", title: "A value is of the wrong kind, or a number is out of range." },
  PHX0102: { severity: "warning", title: "A secret is written in clear text." },
  PHX0103: { severity: "warning", title: "An object has a key that nothing reads." },
  PHX0104: { severity: "error", title: "An object lacks a key that it needs." },
  PHX0105: { severity: "error", title: "A word is none of those that are possible here." },
  PHX0106: { severity: "error", title: "A reference to a secret leads nowhere." },
  PHX0201: { severity: "error", title: "A guest has no id, or two." },
  PHX0202: { severity: "error", title: "Two guests have one id." },
  PHX0203: { severity: "error", title: "Two guests have one address." },
  PHX0204: { severity: "error", title: "Two guests have one name in DNS." },
  PHX0205: {
    severity: "error",
    title: "An address is outside of the hypervisor's network, or its broadcast address.",
  },
  PHX0206: { severity: "error", title: "An address is the hypervisor's own, or the router's." },
  PHX0207: { severity: "error", title: "An address is none; the hypervisor's needs its prefix length." },
  PHX0208: {
    severity: "both",
    title: "A name is no host name; for a guest's name, DNS has another spelling.",
  },
  PHX0209: { severity: "warning", title: "A guest's prefix length differs from the hypervisor's." },
  PHX0210: { severity: "error", title: "No container is recognised as the gateway, the mesh or the CA." },
  PHX0211: { severity: "error", title: "Several containers could be it, or one container is two of them." },
  PHX0212: {
    severity: "error",
    title: "A guest that others must reach has no fixed address, or cannot play its part.",
  },
  PHX0213: { severity: "error", title: "A path is not absolute, or has `..` in it." },
  PHX0214: { severity: "error", title: "An NFS volume lacks its path, mount point or server." },
  PHX0215: {
    severity: "warning",
    title: "A clone, a dependency or a shared volume names a guest that is not there.",
  },
  PHX0301: { severity: "error", title: "The domain is none." },
  PHX0302: { severity: "error", title: "A service's name is no host name." },
  PHX0303: { severity: "error", title: "Two services claim one name." },
  PHX0304: { severity: "error", title: "Two services have one id." },
  PHX0305: { severity: "error", title: "A DNS record has no name or no address." },
  PHX0306: { severity: "error", title: "A DNS record contradicts the service of its name." },
  PHX0307: {
    severity: "error",
    title: "The DNS server's upstream servers are missing, are no addresses, or are the server itself.",
  },
  PHX0308: {
    severity: "both",
    title: "A service is on a guest without an address (error), or on a template (warning).",
  },
  PHX0309: { severity: "error", title: "A size or a time is none." },
  PHX0401: { severity: "error", title: "A machine names a stack that is not there." },
  PHX0402: { severity: "warning", title: "No machine runs a stack." },
  PHX0403: { severity: "error", title: "A stack does not have the environment that is asked for." },
  PHX0404: { severity: "error", title: "A stack has no compose file, or several." },
  PHX0405: { severity: "both", title: "The compose file has a fault; a variable has no value." },
  PHX0406: { severity: "error", title: "A variable's name is none, or is there twice." },
  PHX0407: {
    severity: "error",
    title: "A stack's file lies outside of the site, or its destination is no path.",
  },
  PHX0408: { severity: "error", title: "Labels are for a service that the compose file does not have." },
  PHX0409: { severity: "error", title: "Two containers of one machine publish one port." },
  PHX0410: {
    severity: "error",
    title:
      "A label is none, has two values, a variable without one, or a dollar sign that Compose would refuse.",
  },
  PHX0411: {
    severity: "both",
    title: "Traefik labels do not make a route: an entry point, middleware, port or host that is not there.",
  },
  PHX0413: { severity: "error", title: "Two stacks have one name in Portainer." },
  PHX0414: { severity: "error", title: "A stack is assigned to a machine twice." },
  PHX0415: { severity: "error", title: "A stack is assigned to a container or a template." },
  PHX0416: {
    severity: "error",
    title: "A volume's directory leads out of the share, or the volume is not in the compose file.",
  },
  PHX0501: {
    severity: "error",
    title: "The firewall is not declared, or does not say whether it is enabled.",
  },
  PHX0502: { severity: "error", title: "The firewall is declared twice." },
  PHX0503: { severity: "error", title: "A policy is none." },
  PHX0504: { severity: "error", title: "A rule's direction or action is none." },
  PHX0505: {
    severity: "both",
    title:
      "A rule's protocol or ports are none, or do not go together; a warning: ports are empty, or a name is not in Debian's list.",
  },
  PHX0506: {
    severity: "both",
    title: "A rule's address is none, has host bits, or is of another family; a warning: it is empty.",
  },
  PHX0507: { severity: "error", title: "A rule's interface is none." },
  PHX0508: { severity: "warning", title: "A rule is there twice." },
  PHX0509: { severity: "error", title: "A rule's macro, log level or ICMP type is none." },
  PHX0520: {
    severity: "error",
    title:
      "The firewall would drop a connection that the fabric needs: gateway to mesh, mesh to a service, Portainer to an agent, guests to DNS, NFS or the CA, anybody to SSH or Proxmox's interface.",
  },
  PHX0521: {
    severity: "warning",
    title: "An earlier firewall rule decides about everything that this one is about.",
  },
  PHX0522: {
    severity: "warning",
    title:
      "A firewall rule opens nothing: the guest's firewall is off, or the rule is about another machine's address.",
  },
  PHX0523: { severity: "error", title: "One of Proxmox's two firewall parsers would not take the rule." },
  PHX0524: {
    severity: "error",
    title: "cluster.fw would be larger than the 1 MiB that Proxmox's cluster file system takes.",
  },
  PHX0601: { severity: "error", title: "A certificate's name is no host name and no address." },
  PHX0603: { severity: "error", title: "A certificate's owner or permissions are none." },
  PHX0604: { severity: "error", title: "Two certificates are written to one path." },
  PHX0605: { severity: "error", title: "The manifest has no certificate for the gateway." },
  PHX0606: { severity: "error", title: "The gateway's guest does not see its certificate." },
  PHX0607: { severity: "error", title: "Several certificates could be the gateway's, or Portainer's." },
  PHX0608: { severity: "warning", title: "Everybody could read a private key." },
  PHX0609: {
    severity: "warning",
    title: "A post-renewal command runs in a guest that the site does not declare.",
  },
  PHX0701: { severity: "error", title: "A stack is on a machine that is no environment of Portainer." },
  PHX0702: { severity: "error", title: "A machine that needs an NFS volume has none." },
  PHX0703: { severity: "error", title: "No machine is Portainer's primary, or several are." },
  PHX0704: { severity: "error", title: "Portainer has no host name, or its administrator no password." },
  PHX0705: { severity: "warning", title: "Portainer would refuse the password as too short." },
  PHX0706: { severity: "error", title: "No compose file, or several, declare Portainer's server." },
  PHX0707: { severity: "error", title: "Two environments of Portainer have one name." },
  PHX0708: {
    severity: "error",
    title:
      "The manifest has no certificate for Portainer on its machine's share, or that share is another server's.",
  },
  PHX0709: { severity: "both", title: "A Portainer role is none (error), or is a container's (warning)." },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof problemCodes;
