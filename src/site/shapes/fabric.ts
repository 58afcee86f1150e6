/** Shapes that several of the site's files share: firewall rules, services, records. */
import { aliased, choice, either, flag, integer, list, map, object, port, text } from "./shape.ts";

const ports = (about: string) => either(about, text(), list(either("A port or a range of ports.", text())));

const addresses = (about: string) => either(about, text(), list(text()));

export const ruleShape = object(
  "a firewall rule",
  {
    type: aliased(
      text("The direction, seen from the machine that the rule is for.", "in", "out"),
      "direction",
    ),
    action: text("The action, or a macro with its action: SSH(ACCEPT).", "ACCEPT", "DROP", "REJECT"),
    macro: text("A Proxmox macro.", "SSH", "HTTPS", "Ping"),
    proto: aliased(
      text("The protocol by name or number. Ports need tcp or udp.", "tcp", "udp", "icmp"),
      "protocol",
    ),
    port: aliased(
      ports('Destination ports: 443, "https", "80,443", "8000:8010", or a list of these. Default: all.'),
      "ports",
      "dport",
    ),
    sport: aliased(ports("Source ports, written like `port`. Default: all."), "source_port"),
    source: aliased(
      addresses(
        "Where connections come from: an address, a network, a range, an IP set (+name), an alias, or a list. Default: anywhere.",
      ),
      "src",
    ),
    dest: aliased(
      addresses("Where connections go to, written like `source`. Default: anywhere."),
      "destination",
      "dst",
    ),
    iface: aliased(text("A network interface of the hypervisor: vmbr0."), "interface"),
    log: text(
      "The log level.",
      ...["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"],
    ),
    icmp_type: aliased(text("An ICMP type by name or number.", "echo-request", "any"), "icmp-type"),
    enabled: aliased(
      either("false leaves the rule out of the firewall.", flag(), integer(undefined, 0, 1)),
      "enable",
    ),
    comment: aliased(text("A note of one line."), "name"),
  },
  ["type", "action"],
);

/** How the gateway treats a service's requests. */
export const optionKeys = {
  max_body_size: text('The largest request body: 0 (no limit), "16m", "2g". Default: no limit.'),
  read_timeout: text('The idle timeout of a connection: seconds, "300s", "10m", "1h". Default: 1h.'),
  buffering: flag("true collects a response before passing it on. Default: false, which suits streams."),
} as const;

export const serviceShape = object(
  "a service",
  {
    name: text("The service's short name; its host name is NAME.DOMAIN."),
    port: port("The port that the guest serves it on."),
    scheme: aliased(
      choice(
        ["http", "https", "h2c"],
        "The protocol that the guest speaks on the port. Default: https on ports 443, 8443 and 9443, else http.",
      ),
      "protocol",
    ),
    host: aliased(
      either("The host names, when they are not NAME.DOMAIN.", text(), list(text())),
      "hostname",
      "hosts",
    ),
    server_name: text("With https: the host name in the guest's certificate."),
    ...optionKeys,
  },
  ["name", "port"],
);

const recordShape = object("a DNS record", {
  name: aliased(
    text("The host name. A name without a dot gets the site's domain."),
    "hostname",
    "host",
    "domain",
  ),
  ip: aliased(
    text("The IPv4 address. Default in a guest's records: the guest's address."),
    "address",
    "value",
    "target",
  ),
  type: choice(["A"], "The record type. Only A is supported."),
});

export const recordsShape = either(
  'More DNS records: [{"name": …, "ip": …}] or {"name": "ip"}.',
  list(either("A DNS record.", recordShape, text())),
  map(text()),
);
