/** Shapes that several of the site's files share: firewall rules, services, records. */
import { anyText, choice, either, flag, integer, list, map, object, port, since, text } from "./shape.ts";

const ports = (about: string) => either(about, text(), list(either("A port or a range of ports.", text())));

const addresses = (about: string) => either(about, text(), list(text()));

export const ruleShape = object("a firewall rule", ["type", "action"], {
  "type|direction": text("The direction, seen from the machine that the rule is for.", "in", "out"),
  action: text("The action, or a macro with its action: SSH(ACCEPT).", "ACCEPT", "DROP", "REJECT"),
  macro: text("A Proxmox macro.", "SSH", "HTTPS", "Ping"),
  "proto|protocol": text("The protocol by name or number. Ports need tcp or udp.", "tcp", "udp", "icmp"),
  "port|ports|dport": ports(
    'Destination ports: 443, "https", "80,443", "8000:8010", or a list of these. Default: all.',
  ),
  "sport|source_port": ports("Source ports, written like `port`. Default: all."),
  "source|src": addresses(
    "Where connections come from: an address, a network, a range, an IP set (+name), an alias, or a list. Default: anywhere.",
  ),
  "dest|destination|dst": addresses("Where connections go to, written like `source`. Default: anywhere."),
  "iface|interface": text("A network interface of the hypervisor: vmbr0."),
  log: text(
    "The log level.",
    ...["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"],
  ),
  "icmp_type|icmp-type": text("An ICMP type by name or number.", "echo-request", "any"),
  "enabled|enable": either(
    "false leaves the rule out of the firewall. Default: true.",
    flag(),
    integer(undefined, 0, 1),
  ),
  "comment|name": anyText("A note; it becomes one line."),
});

/** How the gateway treats a service's requests. */
export const optionKeys = {
  max_body_size: text('The largest request body: 0 (no limit), "16m", "2g". Default: no limit.'),
  read_timeout: text('The idle timeout of a connection: seconds, "300s", "10m", "1h". Default: 1h.'),
  buffering: flag("true collects a response before passing it on. Default: false, which suits streams."),
} as const;

export const serviceShape = object("a service", ["name", "port"], {
  name: text("The service's short name; its host name is NAME.DOMAIN."),
  port: port("The port that the guest serves it on."),
  "scheme|protocol": choice(
    ["http", "https", "h2c"],
    "The protocol that the guest speaks on the port. Default: https on ports 443, 8443 and 9443, else http.",
  ),
  "host|hostname|hosts": either("The host names, when they are not NAME.DOMAIN.", text(), list(text())),
  server_name: text("With https: the host name in the guest's certificate."),
  external: since(
    "0.3",
    flag("true: somebody else's proxy serves it. It gets no record, certificate or route. Default: false."),
  ),
  ...optionKeys,
});

const recordShape = object("a DNS record", [], {
  "name|hostname|host|domain": text("The host name. A name without a dot gets the site's domain."),
  "ip|address|value|target": text("The IPv4 address. Default in a guest's records: the guest's address."),
  type: choice(["A"], "The record type. Only A is supported. Default: A."),
});

export const recordsShape = either(
  'More DNS records: [{"name": …, "ip": …}] or {"name": "ip"}.',
  list(either("A DNS record.", recordShape, text())),
  map(text()),
);
