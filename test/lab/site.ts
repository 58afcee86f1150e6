/** A small site by hand: gateway, mesh, CA, one container with a service, Portainer and an agent. */
import type { Guest, RoleGuest, Service } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import type { WholeSite } from "../whole-site.ts";

const from = { file: "etc/phoenix_lxc_configs.json", line: 1, column: 1 };
const rules: readonly [] = [];

function guest(host: Guest["host"], name: string, address: string, more: Partial<Guest> = {}): RoleGuest {
  return {
    host,
    kind: host.startsWith("lxc") ? "lxc" : "vm",
    id: Number(host.split("/")[1]),
    name,
    address,
    template: false,
    firewall: { enabled: true, rules },
    mounts: [],
    shares: [],
    from,
    ...more,
  };
}

const mounted = "/mnt/pve/quickOS/lxc-persistent-data";
const shared = "/quickOS/vm-persistent-data";

export const gateway = guest("lxc/101", "Nginx-Gateway", "10.0.0.153", {
  mounts: [
    { hostPath: `${mounted}/101/logs`, guestPath: "/var/log/nginx" },
    { hostPath: `${mounted}/101/ssl`, guestPath: "/etc/nginx/ssl" },
  ],
});
export const mesh = guest("lxc/102", "Traefik", "10.0.0.12");
export const ca = guest("lxc/103", "Step-CA", "10.0.0.10", {
  mounts: [{ hostPath: `${mounted}/103/ssl`, guestPath: "/etc/step-ca/ssl" }],
});
export const ollama = guest("lxc/104", "ollama", "10.0.0.155");
export const template = guest("lxc/900", "Template", "10.0.0.90", { template: true });
const share = (id: number) => ({
  name: "persistent-storage",
  server: "10.0.0.13",
  path: `${shared}/${id}`,
  mountPoint: "/persistent-storage",
  from,
});
export const portainer = guest("vm/1001", "Portainer", "10.0.0.111", {
  shares: [share(1001)],
  portainerRole: "primary",
});
export const agent = guest("vm/1002", "drphoenix", "10.0.0.102", {
  shares: [share(1002)],
  portainerRole: "agent",
});

const options = { maxBodyBytes: 0, readTimeoutSeconds: 60, buffering: false };

function service(
  id: string,
  on: RoleGuest,
  port: number,
  path: Service["path"],
  scheme: "http" | "https",
): Service {
  const name = `${id}.lab.test`;
  return {
    id,
    names: [name],
    path,
    guest: on,
    backend: { scheme, address: on.address, port },
    rule: `Host(\`${name}\`)`,
    middlewares: [],
    loadBalancer: {},
    options,
    from,
  };
}

const certificate = {
  commonName: "portainer.lab.test",
  names: ["portainer.lab.test"],
  certPath: `/mnt/pve${shared}/1001/portainer/certs/portainer.crt`,
  keyPath: `/mnt/pve${shared}/1001/portainer/certs/portainer.key`,
  owner: "root:root",
  mode: "600",
  serves: "portainer" as const,
  from,
};

export const labSite: WholeSite = {
  root: "/usr/local/phoenix_hypervisor",
  domain: "lab.test",
  hypervisor: {
    address: "10.0.0.13",
    prefix: 24,
    network: "10.0.0.0/24",
    bridge: "vmbr0",
    mountBase: "/mnt/pve",
    from,
  },
  guests: [gateway, mesh, ca, ollama, template, portainer, agent],
  roles: { gateway, mesh, ca },
  dns: { enabled: true, upstreams: ["9.9.9.9"], records: [] },
  firewall: { enabled: true, inputPolicy: "DROP", outputPolicy: "ACCEPT", rules, from },
  ca: {
    url: "https://10.0.0.10:9000",
    hostname: "ca.lab.test",
    port: 9000,
    provisioner: "admin@lab.test",
    rootFiles: [{ host: "lxc/103", path: "/etc/step-ca/ssl/phoenix_root_ca.crt" }],
    passwordFiles: [{ host: "lxc/103", path: "/etc/step-ca/ssl/provisioner_password.txt" }],
  },
  certificates: [certificate],
  portainer: {
    guest: portainer,
    hostname: "portainer.lab.test",
    port: 9443,
    adminUser: "admin",
    adminPassword: new Secret("a password of the lab"),
    compose: { file: "stacks/portainer_service/docker-compose.yml", text: "services: {}\n" },
    share: share(1001),
    certificate: {
      ...certificate,
      inGuest: {
        certPath: "/persistent-storage/portainer/certs/portainer.crt",
        keyPath: "/persistent-storage/portainer/certs/portainer.key",
      },
    },
    agentImage: "portainer/agent:latest",
    registries: [],
    settleMs: 1_000,
    environments: [{ name: "drphoenix", guest: agent, kind: "agent", port: 9001, from }],
  },
  swarms: [],
  services: [
    service("ollama", ollama, 11434, "routed", "http"),
    service("secure", ollama, 8443, "routed", "https"),
    service("portainer", portainer, 9443, "routed", "https"),
    service("ca", ca, 9000, "direct", "https"),
  ],
  stacks: [],
};
