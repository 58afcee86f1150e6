/** The shape of etc/phoenix_hypervisor_config.json. */

import { elsewhere, recordsShape, ruleShape } from "./fabric.ts";
import { either, flag, ignored, list, map, object, port, text } from "./shape.ts";

const policy = text("ACCEPT, DROP or REJECT: what happens to traffic that no rule names.");
const rules = list(ruleShape, "Rules for the hypervisor itself.");

export const firewallShape = object(
  "the firewall",
  {
    enabled: flag("Has to be said: an absent key switches nothing on or off."),
    default_input_policy: policy,
    default_output_policy: policy,
    input_policy: policy,
    output_policy: policy,
    policy_in: policy,
    policy_out: policy,
    global_firewall_rules: rules,
    rules,
    ...ignored("log_level_in", "log_level_out", "logging"),
  },
  ["enabled"],
);

const interfaceShape = object("the network interface", {
  name: text("The bridge: vmbr0."),
  address: text("The hypervisor's address with its network's prefix length: 10.0.0.13/24."),
  ...ignored("gateway", "dns_nameservers", "netmask", "type", "bridge_ports", "mtu"),
});

const servers = either("Addresses of resolvers.", list(text()), text());

export const hypervisorShape = object(
  "the hypervisor's configuration",
  {
    domain_name: text("The fabric's domain: every service is NAME.DOMAIN."),
    network: object(
      "the network",
      {
        interfaces: either("The hypervisor's bridge and address.", interfaceShape, list(interfaceShape)),
        nfs_server: text("The NFS server of volumes that name none."),
        portainer_server_port: port("Portainer's HTTPS port; 9443 when left out."),
        portainer_agent_port: port("The agents' port; 9001 when left out."),
        ...ignored(
          "external_registry_url",
          "portainer_server_ip",
          "default_subnet",
          "fallback_dns",
          "gateway",
          "dns_nameservers",
          "hostname",
        ),
      },
      ["interfaces"],
    ),
    mount_point_base: text("Where the hypervisor mounts its storage besides the native path: /mnt/pve."),
    docker: object("the Docker settings", {
      portainer_server_image: text("Portainer's image."),
      portainer_agent_image: text("The agents' image."),
      ...ignored("registry", "registry_url", "daemon", "compose_version"),
    }),
    portainer_api: object("Portainer's API settings", {
      admin_user: text("The administrator's name; admin when left out."),
      admin_password: text("A secret: env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND."),
      portainer_hostname: text("Portainer's host name."),
      ...ignored("url", "verify_tls", "port"),
    }),
    dns_server: object(
      "the DNS server",
      {
        enabled: flag("Has to be said: an absent key switches nothing on or off."),
        upstream_servers: servers,
        forwarders: servers,
        upstreams: servers,
        dns_records: recordsShape,
        records: recordsShape,
        ...ignored("authoritative_zones", "listen_address", "cache_size"),
      },
      ["enabled"],
    ),
    dns_records: recordsShape,
    firewall: firewallShape,
    shared_volumes: map(
      either(
        "A directory that several containers see, or the firewall.",
        object("a shared volume", {
          host_path: text(),
          mounts: map(text()),
          ...firewallShape.keys,
          ...ignored("owner", "permissions", "mode"),
        }),
      ),
    ),
    step_ca: object("the CA", {
      dns_name: text("The name in the CA's own certificate."),
      provisioner_name: text("The JWK provisioner that signs; admin@DOMAIN when left out."),
      port: port("The CA's port; 9000 when left out."),
      root_certificate_file: text(
        "The root certificate's path on the hypervisor, when it is in no usual place.",
      ),
      provisioner_password_file: text("The password's path on the hypervisor, when it is in no usual place."),
      ...ignored("root_ca_name", "intermediate_ca_name", "url", "fingerprint"),
    }),
    vm_defaults: elsewhere,
    ...ignored(
      "version",
      "author",
      "users",
      "core_paths",
      "timezone",
      "nfs",
      "samba",
      "zfs",
      "proxmox_storage_ids",
      "proxmox_defaults",
      "tests",
      "nvidia_driver",
      "nvidia",
      "behavior",
      "hardware",
      "storage",
      "logging",
      "backup",
      "monitoring",
      "swarm",
      "docker_stacks",
      "lxc_defaults",
      "apparmor",
      "gpu",
    ),
  },
  ["domain_name", "network", "dns_server"],
);
