/** A guest by its kind and role: the gateway has Nginx, the mesh Traefik, the CA Step-CA, a virtual machine Docker. */

import type { Fabric, Machine } from "./fabric.ts";
import { type Layers, machineOf, treePath } from "./layers.ts";

export function furnishGuest(layers: Layers, guest: Machine, dockerUnits: readonly string[]): void {
  const { fabric, write, enable, describe } = layers;
  const { host, kind, id, name } = guest;
  const machine = machineOf(host);
  const label = name.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  const interfaceName = kind === "lxc" ? "eth0" : "ens18";
  furnishNetwork(layers, machine, label, guest.address, interfaceName);
  describe(machine, "network", [
    `${fabric.bridge} ${kind === "lxc" ? "veth" : "tap"}${id}i0 ${interfaceName}`,
  ]);
  enable(machine, "testbed-machine.service", "ssh.service");

  const parts: string[] = [];
  const options = mountsOf(fabric, guest);
  if (gatewaysOf(fabric).includes(host)) furnishGateway(layers, machine);
  if (host === fabric.roles.mesh) {
    parts.push("traefik");
    furnishMesh(layers, machine);
  }
  if (host === fabric.roles.ca) {
    parts.push("step-ca");
    enable(machine, "step-ca.service");
  }
  if (kind === "vm") {
    parts.push("docker", "registry");
    furnishDocker(layers, guest, dockerUnits);
    // What an NFS client of this guest would see, by server and exported path, for Docker's volumes.
    for (const { server, path } of guest.shares) {
      const tree = server === fabric.address ? path : `/srv/testbed/nfs-${server}${path}`;
      options.push(`--bind=${tree}:/run/testbed/nfs/${server}${path}`);
    }
    // What people have there; nothing mounts it at boot, for the kernel's NFS is not a machine's own here.
    const mounts = guest.shares.map(
      ({ server, path, mountPoint }) => `${server}:${path} ${mountPoint} nfs noauto 0 0\n`,
    );
    write(machine, "/etc/fstab", mounts.join(""));
    options.push(
      `--bind=/srv/testbed/run/docker/${id}:/var/lib/docker`,
      "--bind-ro=/srv/testbed/images:/usr/lib/testbed/images",
    );
  }
  const services = ownServices(fabric, guest);
  if (services.length > 0) {
    write(machine, "/etc/testbed/services.json", JSON.stringify(services));
    enable(machine, "testbed-services.service");
  }
  describe(machine, "parts", [...parts, "machine", "debian"]);
  describe(machine, "options", options);
}

/** A machine without a part in the fabric, for looking at it from outside: it trusts the site's root and nobody else. */
export function furnishClient(layers: Layers, rootPem: string): void {
  const { fabric, write, describe } = layers;
  const taken = new Set([fabric.address, ...fabric.guests.map(({ address }) => address)]);
  const base = fabric.network.split(".").slice(0, 3).join(".");
  const free = Array.from({ length: 254 }, (_, at) => `${base}.${254 - at}`).find((each) => !taken.has(each));
  furnishNetwork(layers, "client", "client", free, "eth0");
  write("client", "/etc/ssl/certs/ca-certificates.crt", rootPem);
  describe("client", "network", [`${fabric.bridge} vethclient eth0`]);
  describe("client", "parts", ["machine", "debian"]);
  describe("client", "options", []);
  describe("client", "command", ["/usr/lib/testbed/client"]);
}

function furnishNetwork(
  { fabric, write }: Layers,
  machine: string,
  label: string,
  address: string | undefined,
  interfaceName: string,
): void {
  const cidr = address === undefined ? "-" : `${address}/${fabric.prefix}`;
  const gateway = address === undefined ? "-" : fabric.address;
  write(machine, "/etc/hostname", `${label}\n`);
  write(
    machine,
    "/etc/hosts",
    `127.0.0.1 localhost\n${address ?? "127.0.1.1"} ${label}.${fabric.domain} ${label}\n`,
  );
  write(machine, "/etc/resolv.conf", `search ${fabric.domain}\nnameserver ${fabric.address}\n`);
  write(machine, "/etc/testbed/network", `${interfaceName} ${cidr} ${gateway}\n`);
}

function mountsOf(fabric: Fabric, { host }: Machine): string[] {
  return fabric.mounts
    .filter((mount) => mount.host === host)
    .map((mount) => `--bind=${treePath(mount)}:${mount.path}`);
}

function gatewaysOf({ roles, standbyGateway }: Fabric): readonly (string | undefined)[] {
  return [roles.gateway, standbyGateway];
}

function furnishGateway({ enable, directory }: Layers, machine: string): void {
  directory(machine, "/var/log/nginx");
  enable(machine, "nginx.service");
}

/** What the shell system leaves at creation: an entry point for HTTP, one for the API, a watched directory that is empty. */
function furnishMesh({ fabric, write, directory, enable }: Layers, machine: string): void {
  const gateways = fabric.guests.filter(({ host }) => gatewaysOf(fabric).includes(host));
  const addresses = gateways.map(({ address }) => `        - ${address}/32\n`).join("");
  const trusted = addresses === "" ? "" : `    forwardedHeaders:\n      trustedIPs:\n${addresses}`;
  const text = `global:
  checkNewVersion: false
  sendAnonymousUsage: false
entryPoints:
  web:
    address: ":80"
${trusted}  traefik:
    address: ":8080"
providers:
  file:
    directory: /etc/traefik/dynamic
    watch: true
api:
  dashboard: true
  insecure: true
ping: {}
log:
  level: INFO
`;
  write(machine, "/etc/traefik/traefik.yml", text);
  directory(machine, "/etc/traefik/dynamic");
  enable(machine, "traefik.service");
}

function furnishDocker({ fabric, write, enable }: Layers, guest: Machine, units: readonly string[]): void {
  const machine = machineOf(guest.host);
  write(machine, "/etc/testbed/images.json", JSON.stringify(fabric.images ?? []));
  write(machine, "/etc/testbed/shares.json", JSON.stringify(guest.shares));
  enable(machine, "docker.service", "qemu-guest-agent.service", ...units);
}

/** Services that the guest itself runs. Those of a role are the role's own programs, Portainer and its agents containers. */
function ownServices(fabric: Fabric, { host }: Machine): Fabric["services"] {
  const { roles, portainer, agents } = fabric;
  if (gatewaysOf(fabric).includes(host) || host === roles.mesh || host === roles.ca) return [];
  const deployed = [...agents, ...(portainer === undefined ? [] : [portainer])];
  return fabric.services
    .filter((service) => service.host === host)
    .filter(({ port }) => !deployed.some((each) => each.host === host && each.port === port));
}
