/** The shape of etc/phoenix_hypervisor_config.json. */
import { ports } from "../../fabric/ports.ts";
import { recordsShape, ruleShape } from "./fabric.ts";
import { stacksShape } from "./guests.ts";
import { metricsShape, noticesShape } from "./notices.ts";
import { anyText, either, flag, ignored, integer, list, map, object, port, since, text } from "./shape.ts";

const policies = ["ACCEPT", "DROP", "REJECT"] as const;

const firewallShape = object("the firewall", ["enabled"], {
  enabled: flag("Whether the firewall is on. Required: an absent key does not switch it off."),
  "default_input_policy|input_policy|policy_in": text(
    "What happens to incoming traffic that no rule matches. Default: DROP.",
    ...policies,
  ),
  "default_output_policy|output_policy|policy_out": text(
    "What happens to outgoing traffic that no rule matches. Default: ACCEPT.",
    ...policies,
  ),
  "global_firewall_rules|rules": list(ruleShape, "Rules for the hypervisor itself."),
  ...ignored("log_level_in", "log_level_out", "logging"),
});

const interfaceShape = object("the network interface", [], {
  name: text("The bridge. Default: vmbr0."),
  address: text("The hypervisor's address with its prefix length: 10.0.0.13/24."),
  ...ignored("gateway", "dns_nameservers", "netmask", "type", "bridge_ports", "mtu"),
});

const networkShape = object("the network", ["interfaces"], {
  interfaces: either("The hypervisor's bridge and address.", interfaceShape, list(interfaceShape)),
  gateway_address: since(
    "0.3",
    text(
      "With a standby_gateway: a free address of the network that names of routed services lead to. keepalived keeps it on a gateway that works. Default: the gateway's own address.",
    ),
  ),
  nfs_server: text("The NFS server of volumes that do not name one."),
  portainer_server_port: port(`Portainer's HTTPS port. Default: ${ports.portainer}.`),
  portainer_agent_port: port(`The port of the Portainer agents. Default: ${ports.portainerAgent}.`),
  ...ignored("external_registry_url", "portainer_server_ip", "default_subnet", "fallback_dns", "gateway"),
  ...ignored("dns_nameservers", "hostname"),
});

const dnsShape = object("the DNS server", ["enabled"], {
  enabled: flag("Whether the hypervisor serves DNS. Required: an absent key does not switch it off."),
  "upstream_servers|forwarders|upstreams": either(
    "Addresses of the resolvers for names outside the site, with a port where it is not 53: 127.0.0.1#5335.",
    list(text()),
    text(),
  ),
  dns_records: recordsShape,
  records: recordsShape,
  nodes: since(
    "0.3",
    list(
      text(),
      "In a Proxmox cluster: the nodes that run the name server, by the cluster's names: pve, pve2. Default: all of them.",
    ),
  ),
  ...ignored("authoritative_zones", "listen_address", "cache_size"),
});

const authorityShape = object("the CA", [], {
  dns_name: text("The host name in the CA's own certificate."),
  provisioner_name: text("The JWK provisioner that signs. Default: admin@DOMAIN."),
  port: port("The CA's port. Default: 9000."),
  root_certificate_file: text(
    "The path of the root certificate on the hypervisor, when Phoenix does not find it.",
  ),
  provisioner_password_file: text(
    "The path of the provisioner's password on the hypervisor, when Phoenix does not find it.",
  ),
  ...ignored("root_ca_name", "intermediate_ca_name", "url", "fingerprint"),
});

const unattendedShape = object("the unattended runs", [], {
  repair_hours: either(
    "When `phoenix unattended sync` may disrupt, in the hypervisor's time zone: mon-fri 02:00-05:00. A window that ends before it begins ends on the next day. Default: at any time.",
    list(text()),
    text(),
  ),
  source: object("the site's source", [], {
    branch: text(
      "The branch of the remote that the site follows. Default: the upstream of the current branch.",
    ),
    signed_by: either(
      "Whose signature the newest commit must have: SSH public keys, fingerprints of GPG keys, or the path of an allowed signers file. Default: commits need no signature.",
      list(text()),
      text(),
    ),
  }),
});

export const hypervisorShape = object("the hypervisor's configuration", ["network"], {
  domain_name: text(
    "The site's domain: every service is NAME.DOMAIN. Required for DNS, services, certificates and Portainer.",
  ),
  network: networkShape,
  mount_point_base: text("The directory below which the hypervisor mounts its storage. Default: /mnt/pve."),
  docker: object("the Docker settings", [], {
    portainer_agent_image: text("The image of the Portainer agents. Default: portainer/agent:latest."),
    // The server's image is the one in its Compose file.
    ...ignored("portainer_server_image", "registry", "registry_url", "daemon", "compose_version"),
  }),
  portainer_api: object("Portainer's API settings", [], {
    admin_user: text("The administrator's name. Default: admin."),
    admin_password: anyText(
      "The administrator's password, a secret: env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND.",
    ),
    api_key: since(
      "0.3",
      text(
        "An administrator's API key, a secret, used instead of a login: needed where LDAP or OAuth is on. The password is then needed for a new Portainer only.",
      ),
    ),
    portainer_hostname: text(
      "Portainer's host name. Default: that of the service on Portainer's virtual machine.",
    ),
    registries: since(
      "0.3",
      list(
        object("a registry", ["name", "url", "username", "password"], {
          name: text("Its name in Portainer."),
          url: text("What the names of its images begin with: ghcr.io, registry.example.net:5000."),
          username: text("The user that pulls."),
          password: text(
            "The user's password or token, a secret: env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND.",
          ),
        }),
        "Private registries. Those that are in Portainer already need not be here to be used.",
      ),
    ),
    settle_seconds: since(
      "0.3",
      integer(
        "How many seconds a container must have run before its deployment counts as done: 0 to 60. Default: 10.",
        0,
        60,
      ),
    ),
    external: since(
      "0.3",
      flag("true: somebody else runs Portainer; only stacks are deployed through it. Default: false."),
    ),
    url: since(
      "0.3",
      text(
        "With external: where its API is, https://10.0.0.5:9443. Default: port 9443 of the virtual machine with the role primary.",
      ),
    ),
    fingerprint: since(
      "0.3",
      text("With external: the SHA-256 fingerprint of its certificate, when no trusted CA issued it."),
    ),
    ...ignored("verify_tls", "port"),
  }),
  dns_server: dnsShape,
  dns_records: recordsShape,
  firewall: firewallShape,
  swarms: since(
    "0.3",
    map(
      object("a Swarm", [], {
        docker_stacks: stacksShape("The stacks that run in this Swarm."),
        environment_name: text(
          "The name of the Swarm's one environment in Portainer. Default: the Swarm's name.",
        ),
      }),
      'What runs in each Docker Swarm, by its name. Its members are the virtual machines with "swarm": "NAME".',
    ),
  ),
  shared_volumes: map(
    either(
      "A directory that several containers mount, or the firewall.",
      object("a shared volume", [], {
        host_path: text("The directory on the hypervisor."),
        mounts: map(text(), "The path in each container, by the container's id."),
        ...firewallShape.keys,
        ...ignored("owner", "permissions", "mode"),
      }),
    ),
  ),
  step_ca: authorityShape,
  notices: noticesShape,
  metrics: metricsShape,
  unattended: since("0.3", unattendedShape),
  ...ignored("version", "author", "users", "core_paths", "timezone", "nfs", "samba", "zfs", "vm_defaults"),
  ...ignored("proxmox_storage_ids", "proxmox_defaults", "tests", "nvidia_driver", "nvidia", "behavior"),
  ...ignored("hardware", "storage", "logging", "backup", "monitoring", "swarm", "docker_stacks"),
  ...ignored("lxc_defaults", "apparmor", "gpu"),
});
