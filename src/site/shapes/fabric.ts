/** Shapes that several of the site's files share: firewall rules, services, records. */
import { anything, choice, either, flag, integer, list, map, object, port, text } from "./shape.ts";

const ports = either(
  'Ports: 443, "80,443", "8000:8010" or a list of these.',
  text(),
  list(either("A port or a range of ports.", text())),
);
const addresses = either(
  "An address, a network, a range, an IP set (+name), an alias, or a list of these.",
  text(),
  list(text()),
);

export const ruleShape = object(
  "a firewall rule",
  {
    type: text("Direction: in or out, from the guest's (or the hypervisor's) point of view."),
    direction: text("The same as `type`."),
    action: text("ACCEPT, DROP or REJECT; with a macro SSH(ACCEPT)."),
    macro: text("A Proxmox macro: SSH, HTTPS, Ping."),
    proto: text("tcp, udp, icmp or another protocol's name. Ports need tcp or udp."),
    protocol: text("The same as `proto`."),
    port: ports,
    ports,
    dport: ports,
    sport: ports,
    source_port: ports,
    source: addresses,
    src: addresses,
    dest: addresses,
    destination: addresses,
    dst: addresses,
    iface: text("A network interface of the host: vmbr0."),
    interface: text("The same as `iface`."),
    log: text("emerg, alert, crit, err, warning, notice, info, debug or nolog."),
    icmp_type: text("echo-request, any …"),
    "icmp-type": text("The same as `icmp_type`."),
    enabled: flag("false keeps the rule in the file and out of the firewall."),
    enable: either("The same as `enabled`.", flag(), integer(undefined, 0, 1)),
    comment: text("One line for people."),
    name: text("A name for people."),
  },
  [["type", "direction"], "action"],
);

/** How the gateway treats a service's requests. */
export const optionKeys = {
  max_body_size: text('Largest request body: 0 (no limit, the default), "16m", "2g".'),
  read_timeout: text('How long a silent connection is kept: seconds, "300s", "10m", "1h" (the default).'),
  buffering: flag("true collects answers before they are passed on; false (the default) suits streams."),
} as const;

export const serviceShape = object(
  "a service",
  {
    name: text("The service's short name: its host name is NAME.DOMAIN."),
    port: port("The port that the guest serves it on."),
    scheme: choice(
      ["http", "https", "h2c"],
      "How the guest speaks on that port; https for ports 443, 8443 and 9443.",
    ),
    protocol: choice(["http", "https", "h2c"], "The same as `scheme`."),
    host: either("The host name, when it is not NAME.DOMAIN.", text(), list(text())),
    hostname: either("The same as `host`.", text(), list(text())),
    hosts: list(text(), "Several host names."),
    server_name: text("For https: the name in the guest's certificate."),
    ...optionKeys,
  },
  ["name", "port"],
);

const recordShape = object("a DNS record", {
  name: text("The host name; a name without a dot gets the site's domain."),
  hostname: text("The same as `name`."),
  host: text("The same as `name`."),
  domain: text("The same as `name`."),
  ip: text("The IPv4 address; a guest's own when it is left out there."),
  address: text("The same as `ip`."),
  value: text("The same as `ip`."),
  target: text("The same as `ip`."),
  type: choice(["A"], "Only addresses are supported."),
});

export const recordsShape = either(
  'Records by hand: [{"name": …, "ip": …}] or {"name": "ip"}.',
  list(either("A record.", recordShape, text())),
  map(text()),
);

/** Everything below is somebody else's. */
export const elsewhere = anything();
