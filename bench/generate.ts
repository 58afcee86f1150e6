/** Sites of any size, in the shape that users write them: what check and plan are measured with. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stackName, swarmCompose, swarmMachines, swarmName, swarmStack } from "./swarm.ts";

const domain = "bench.example.net";

/**
 * One in so many containers is filtered. cluster.fw holds a group for each, about 340 bytes, and Proxmox's cluster file
 * system takes 1 MiB: with more of them ten thousand guests would be a site that check refuses (PHX0524).
 */
const filteredEvery = 5;

/**
 * Writes a site with `guests` guests: gateway, mesh, CA, a Portainer server, an agent with a stack, and containers, each
 * with a routed service and rules of its own.
 * @param swarmStacks a Swarm of five more machines runs so many stacks; no Swarm without any
 */
export function generateSite(root: string, guests: number, swarmStacks = 0): void {
  const write = (file: string, value: unknown): void => {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof value === "string" ? value : `${JSON.stringify(value, null, 2)}\n`);
  };
  write("etc/phoenix_hypervisor_config.json", hypervisorConfig(swarmStacks));
  write("etc/phoenix_lxc_configs.json", { lxc_configs: containers(guests - 2) });
  write("etc/phoenix_vm_configs.json", { vms: virtualMachines(swarmStacks > 0) });
  write("etc/certificate-manifest.json", manifest());
  write("stacks/portainer_service/docker-compose.yml", portainerCompose);
  write("stacks/portainer_service/phoenix.json", {
    description: "Portainer",
    environments: { production: {} },
  });
  write("stacks/wiki/docker-compose.yml", wikiCompose);
  write("stacks/wiki/phoenix.json", wikiStack());
  for (let at = 0; at < swarmStacks; at++) {
    write(`stacks/${stackName(at)}/docker-compose.yml`, swarmCompose(at));
    write(`stacks/${stackName(at)}/phoenix.json`, swarmStack(at, domain));
  }
}

function hypervisorConfig(swarmStacks: number): unknown {
  const names = Array.from({ length: swarmStacks }, (_, at) => stackName(at));
  return {
    ...(swarmStacks === 0 ? {} : { swarms: { [swarmName]: { docker_stacks: names } } }),
    domain_name: domain,
    network: {
      portainer_agent_port: 9001,
      nfs_server: "10.8.0.2",
      interfaces: { name: "vmbr0", address: "10.8.0.2/16", gateway: "10.8.0.1" },
    },
    docker: {
      portainer_server_image: "portainer/portainer-ce:2.39.0",
      portainer_agent_image: "portainer/agent:2.39.0",
    },
    portainer_api: {
      admin_user: "admin",
      admin_password: "env:BENCH_ADMIN_PASSWORD",
      portainer_hostname: `portainer.${domain}`,
      settle_seconds: 1,
    },
    dns_server: { enabled: true, upstream_servers: ["9.9.9.9"] },
    firewall: {
      enabled: true,
      default_input_policy: "DROP",
      default_output_policy: "ACCEPT",
      global_firewall_rules: [rule("22", "10.8.0.0/16"), rule("8006", "10.8.0.0/16")],
    },
  };
}

function rule(port: string, source: string): unknown {
  return { type: "in", action: "ACCEPT", proto: "tcp", port, source };
}

function containers(count: number): Record<string, unknown> {
  const all: Record<string, unknown> = {
    "101": container("gateway", 3, {
      mount_points: [mount("101/ssl", "/etc/nginx/ssl")],
      features: ["nginx"],
    }),
    "102": container("mesh", 4, { features: ["traefik"] }),
    "103": container("ca", 5, {
      mount_points: [mount("103/ssl", "/etc/step-ca/ssl")],
      features: ["step_ca"],
    }),
  };
  for (let n = 0; n < count - 3; n++)
    all[String(1_000 + n)] = container(`app${n}`, 256 + n, {
      traefik_service: { name: `app${n}`, port: 8000 + (n % 100) },
      ...(n % filteredEvery === 0 ? filtered(n) : {}),
    });
  return all;
}

function filtered(n: number): Record<string, unknown> {
  const rules = [rule("22", "10.8.0.0/16"), rule("9100", `10.8.0.${2 + (n % 7)}`)];
  return { firewall: { enabled: true, rules } };
}

function container(name: string, host: number, more: Record<string, unknown>): unknown {
  return {
    name,
    network_config: { name: "eth0", bridge: "vmbr0", ip: `${address(host)}/16`, gw: "10.8.0.1" },
    ...more,
  };
}

function mount(directory: string, containerPath: string): unknown {
  return { host_path: `/mnt/pve/tank/lxc-persistent-data/${directory}`, container_path: containerPath };
}

/** The `host`-th address of 10.8.0.0/16. */
function address(host: number): string {
  return `10.8.${host >> 8}.${host & 255}`;
}

function virtualMachines(hasSwarm: boolean): unknown {
  const volumes = (id: number): unknown => [
    {
      type: "nfs",
      name: "persistent-storage",
      server: "10.8.0.2",
      path: `/tank/vm-persistent-data/${id}`,
      mount_point: "/persistent-storage",
    },
  ];
  return [
    {
      vmid: 901,
      name: "portainer",
      portainer_role: "primary",
      network_config: { ip: "10.8.0.6/16", gw: "10.8.0.1" },
      traefik_service: { name: "portainer", port: 9443 },
      volumes: volumes(901),
      docker_stacks: ["portainer_service"],
      firewall: { enabled: true, rules: [rule("22", "10.8.0.0/16")] },
    },
    {
      vmid: 902,
      name: "docker",
      portainer_role: "agent",
      portainer_environment_name: "docker",
      portainer_agent_hostname: `agent.${domain}`,
      network_config: { ip: "10.8.0.7/16", gw: "10.8.0.1" },
      volumes: volumes(902),
      docker_stacks: ["wiki"],
      firewall: { enabled: true, rules: [rule("22", "10.8.0.0/16")] },
    },
    ...(hasSwarm ? swarmMachines(address, volumes, [rule("22", "10.8.0.0/16")]) : []),
  ];
}

function manifest(): unknown {
  const entry = (name: string, directory: string, owner: string): unknown => ({
    common_name: `${name}.${domain}`,
    cert_path: `/mnt/pve/tank/${directory}/${name}.crt`,
    key_path: `/mnt/pve/tank/${directory}/${name}.key`,
    owner,
    permissions: "640",
  });
  return [
    entry("nginx", "lxc-persistent-data/101/ssl", "root:www-data"),
    entry("portainer", "vm-persistent-data/901/portainer/certs", "nobody:nogroup"),
  ];
}

const portainerCompose = `services:
  portainer:
    image: portainer/portainer-ce:2.39.0
    container_name: portainer_server
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - portainer_data_nfs:/data
    ports:
      - "9443:9443"
    restart: always
volumes:
  portainer_data_nfs:
    external: true
`;

const wikiCompose = `services:
  wiki:
    image: registry.example.net/wiki:1.4
    ports:
      - "3000:3000"
    restart: always
`;

function wikiStack(): unknown {
  return {
    description: "A wiki.",
    environments: {
      production: {
        services: {
          wiki: {
            traefik_labels: [
              "traefik.enable=true",
              `traefik.http.routers.wiki.rule=Host(\`wiki.${domain}\`)`,
              "traefik.http.routers.wiki.entrypoints=web",
              "traefik.http.services.wiki.loadbalancer.server.port=3000",
            ],
          },
        },
      },
    },
  };
}
