/** The shapes of etc/phoenix_lxc_configs.json and etc/phoenix_vm_configs.json. */
import { recordsShape, ruleShape, serviceShape } from "./fabric.ts";
import {
  choice,
  either,
  flag,
  ignored,
  integer,
  list,
  map,
  object,
  type Shape,
  since,
  text,
} from "./shape.ts";

/** Proxmox gives ids from 100 to 999999999. */
const id = integer("The guest's id.", 100, 999_999_999);

const addressShape = object("the guest's network", [], {
  "ip|address": text('The IPv4 address with its prefix length (10.0.0.12/24), or "dhcp".'),
  bridge: text("The bridge that the guest is on."),
  name: since("0.3", text("The name of the interface in the guest. Default: eth0.")),
  ...ignored("gw", "gateway", "nameserver", "nameservers", "mtu", "vlan", "tag", "hwaddr"),
  ...ignored("firewall", "interface", "dns", "searchdomain"),
});

const firewallShape = object("the guest's firewall", ["enabled"], {
  enabled: flag("Whether the guest's traffic is filtered. Required: an absent key does not switch it off."),
  rules: list(ruleShape),
  ...ignored("default_input_policy", "default_output_policy", "policy_in", "policy_out"),
  ...ignored("log_level_in", "log_level_out"),
});

const mountShape = object("a mount point", ["host_path", "container_path"], {
  host_path: text("The directory on the hypervisor."),
  container_path: text("Its path in the container."),
  ...ignored("owner_uid", "owner_gid", "read_only", "backup", "type"),
});

const volumeShape = object("a volume", [], {
  type: text("The kind of volume. Phoenix reads volumes of type nfs only.", "nfs"),
  name: text("The volume's name."),
  server: text("The NFS server. Default: network.nfs_server."),
  path: text("The directory that the server exports."),
  mount_point: text("Its path in the guest."),
  ...ignored("options", "size_gb", "pool", "host_path", "container_path", "read_only"),
});

/** The stacks of a virtual machine, or of a Swarm. */
export function stacksShape(about: string): Shape {
  return list(
    either(
      "A stack: its name, or its name and environment.",
      text(),
      object("an assigned stack", ["name"], {
        name: text("The stack's name."),
        environment: text("The stack's environment. Default: production."),
      }),
    ),
    about,
  );
}

const roles = choice(["gateway", "standby_gateway", "mesh", "ca"]);

/** What containers and virtual machines have in common. */
const guestKeys: Readonly<Record<string, Shape>> = {
  name: text("The guest's name; its host name is NAME.DOMAIN."),
  fabric_role: either(
    "The guest's role in the fabric, when its name does not show it: gateway, mesh or ca. A standby_gateway takes network.gateway_address over when the gateway fails.",
    roles,
    list(roles),
  ),
  is_template: flag(
    "A template never runs: it gets no host name and no services. Default: true with a template_snapshot_name, where the guest neither starts at boot nor serves anything.",
  ),
  template_snapshot_name: text("The snapshot that clones of this guest are made from."),
  start_at_boot: flag("Whether Proxmox starts the guest when the hypervisor boots. Default: false."),
  network_config: either(
    'The guest\'s network: an object, "dhcp", or "ADDRESS/PREFIX,GATEWAY,NAMESERVER".',
    addressShape,
    text(),
  ),
  traefik_service: either("The services that the guest offers.", serviceShape, list(serviceShape)),
  firewall: firewallShape,
  dns_records: recordsShape,
  portainer_role: text("The guest's role for Portainer. Default: none.", "primary", "agent", "none"),
  portainer_environment_name: text(
    "The name of the guest's environment in Portainer. Default: the guest's name; local for the primary.",
  ),
  portainer_agent_hostname: text("A host name for the guest's Portainer agent."),
  docker_stacks: stacksShape("The stacks that run on this virtual machine."),
  swarm: since("0.3", text("The name of the Docker Swarm that this virtual machine is a member of.")),
  swarm_role: since(
    "0.3",
    text("With swarm: what the member is in it. Default: worker.", "manager", "worker"),
  ),
  mount_points: list(mountShape, "Directories of the hypervisor that the container mounts."),
  volumes: list(
    volumeShape,
    "Volumes of the virtual machine. The first NFS volume is its persistent storage.",
  ),
  features: either("The software that is installed in the guest.", list(text()), text()),
  application_script: either("The script that sets up the guest.", text(), list(text())),
  bootstrap_ca_url: text("The CA that the guest trusts: https://10.0.0.10:9000."),
  clone_from_ctid: text("The id of the container that this guest is cloned from."),
  clone_from_vmid: text("The id of the virtual machine that this guest is cloned from."),
  dependencies: either("Ids of the guests that must exist before this one.", list(text()), text()),
  ...ignored("boot_order", "boot_delay", "memory_mb", "swap_mb", "cores", "template", "template_image"),
  ...ignored("storage_pool", "storage_size_gb", "disk_size_gb", "mac_address", "gpu_assignment"),
  ...ignored("unprivileged", "lxc_options", "pct_options", "qm_options", "apparmor_profile"),
  ...ignored("apparmor_manages_nesting", "enable_lifecycle_snapshots", "id_maps", "zfs_volumes"),
  ...ignored("shared_volumes", "ports", "health_check", "health_checks", "tests", "user_config"),
  ...ignored("trigger_sync_on_completion", "snapshots", "count", "network_bridge", "tags", "type", "status"),
  ...ignored("hostname", "static_ip", "nvidia", "docker", "vllm_engine_config", "vllm_model"),
  ...ignored("vllm_args", "vllm_quantization", "vllm_served_model_name"),
};

/** The guests of one file: by id, or in a list. */
function guestsShape(keys: Readonly<Record<string, Shape>>): Shape {
  const guestShape = object("a guest", ["name"], { ...keys, ...guestKeys });
  return either(
    "The guests: by id, or a list in which each has its id.",
    map(guestShape, undefined, /^[1-9]\d{2,8}$/),
    list(guestShape),
  );
}

export const containersShape = guestsShape({ "ctid|vmid|id": id });
export const machinesShape = guestsShape({ "vmid|ctid|id": id });

export const lxcShape = object("the containers' configuration", ["lxc_configs"], {
  lxc_configs: containersShape,
  ...ignored("nvidia_driver_version", "nvidia_repo_url", "nvidia_runfile_url", "lxc_defaults", "version"),
  ...ignored("shared_volumes", "docker_images"),
});

export const vmShape = object("the virtual machines' configuration", ["vms"], {
  "vms|vm_configs": machinesShape,
  ...ignored("vm_defaults", "version"),
});
