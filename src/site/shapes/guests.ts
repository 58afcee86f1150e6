/** The shapes of etc/phoenix_lxc_configs.json and etc/phoenix_vm_configs.json. */

import { recordsShape, ruleShape, serviceShape } from "./fabric.ts";
import { choice, either, flag, ignored, integer, list, map, object, type Shape, text } from "./shape.ts";

/** Proxmox gives ids from 100 to 999999999. */
const id = integer("The guest's id.", 100, 999_999_999);

const addressing = object("the guest's network", {
  ip: text('The IPv4 address with prefix length (10.0.0.12/24), or "dhcp".'),
  address: text("The same as `ip`."),
  bridge: text(),
  ...ignored(
    "name",
    "gw",
    "gateway",
    "nameserver",
    "nameservers",
    "mtu",
    "vlan",
    "tag",
    "hwaddr",
    "firewall",
    "interface",
    "dns",
    "searchdomain",
  ),
});

/** What containers and virtual machines have in common. */
const guestKeys: Readonly<Record<string, Shape>> = {
  name: text("The guest's name; in DNS it is NAME.DOMAIN."),
  fabric_role: either(
    "The part the guest plays, when its name does not tell: gateway, mesh or ca.",
    choice(["gateway", "mesh", "ca"]),
    list(choice(["gateway", "mesh", "ca"])),
  ),
  is_template: flag("A template never runs: it gets no DNS name and no service."),
  template_snapshot_name: text(),
  start_at_boot: flag(),
  network_config: either(
    'The network; "ADDRESS/PREFIX,GATEWAY,NAMESERVER" is understood too.',
    addressing,
    text(),
  ),
  traefik_service: either("The service that the guest offers.", serviceShape, list(serviceShape)),
  firewall: object(
    "the guest's firewall",
    {
      enabled: flag("Has to be said: an absent key switches nothing on or off."),
      rules: list(ruleShape),
      ...ignored(
        "default_input_policy",
        "default_output_policy",
        "policy_in",
        "policy_out",
        "log_level_in",
        "log_level_out",
      ),
    },
    ["enabled"],
  ),
  dns_records: recordsShape,
  portainer_role: text("primary, agent or none."),
  portainer_environment_name: text("The environment's name in Portainer; the guest's name when left out."),
  portainer_agent_hostname: text("The agent's own host name."),
  docker_stacks: list(
    either(
      "A stack: its name, or its name and environment.",
      text(),
      object("an assigned stack", { name: text(), environment: text("production when left out.") }, ["name"]),
    ),
    "Stacks that run on this virtual machine.",
  ),
  mount_points: list(
    object(
      "a mount point",
      {
        host_path: text("The directory on the hypervisor."),
        container_path: text("Where the container sees it."),
        ...ignored("owner_uid", "owner_gid", "read_only", "backup", "type"),
      },
      ["host_path", "container_path"],
    ),
  ),
  volumes: list(
    object("a volume", {
      type: text("Only nfs volumes matter to a sync."),
      name: text(),
      server: text("The NFS server; network.nfs_server when left out."),
      path: text("The exported directory."),
      mount_point: text("Where the guest sees it."),
      ...ignored("options", "size_gb", "pool", "host_path", "container_path", "read_only"),
    }),
  ),
  features: either("What is installed in it.", list(text()), text()),
  application_script: either("The script that sets it up.", text(), list(text())),
  bootstrap_ca_url: text("The CA that the guest trusts: https://10.0.0.10:9000."),
  clone_from_ctid: text(),
  clone_from_vmid: text(),
  dependencies: either("Ids of guests that must be there first.", list(text()), text()),
};

const elsewhereKeys = ignored(
  "boot_order",
  "boot_delay",
  "memory_mb",
  "swap_mb",
  "cores",
  "template",
  "template_image",
  "storage_pool",
  "storage_size_gb",
  "disk_size_gb",
  "mac_address",
  "gpu_assignment",
  "unprivileged",
  "lxc_options",
  "pct_options",
  "qm_options",
  "apparmor_profile",
  "apparmor_manages_nesting",
  "enable_lifecycle_snapshots",
  "id_maps",
  "zfs_volumes",
  "shared_volumes",
  "ports",
  "health_check",
  "health_checks",
  "tests",
  "trigger_sync_on_completion",
  "user_config",
  "snapshots",
  "count",
  "network_bridge",
  "tags",
  "type",
  "status",
  "hostname",
  "static_ip",
  "nvidia",
  "docker",
  "swarm_role",
  "vllm_engine_config",
  "vllm_model",
  "vllm_args",
  "vllm_quantization",
  "vllm_served_model_name",
);

export const guestShape = object(
  "a guest",
  {
    ctid: id,
    vmid: id,
    id,
    ...guestKeys,
    ...elsewhereKeys,
  },
  ["name"],
);

/** The guests of one file, by id or in a list. */
export const guestMapShape = either(
  "The guests: by id, or a list in which each names its id.",
  map(guestShape, undefined, /^[1-9]\d{2,8}$/),
  list(guestShape),
);

export const lxcShape = object(
  "the containers' configuration",
  {
    lxc_configs: guestMapShape,
    ...ignored(
      "nvidia_driver_version",
      "nvidia_repo_url",
      "nvidia_runfile_url",
      "lxc_defaults",
      "version",
      "shared_volumes",
      "docker_images",
    ),
  },
  ["lxc_configs"],
);

export const vmShape = object(
  "the virtual machines' configuration",
  {
    vms: guestMapShape,
    vm_configs: guestMapShape,
    ...ignored("vm_defaults", "version"),
  },
  [["vms", "vm_configs"]],
);
