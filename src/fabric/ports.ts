/** Ports that every site has, or has unless it declares others. */
export const ports = {
  ssh: 22,
  dns: 53,
  http: 80,
  https: 443,
  nfs: 2049,
  proxmox: 8006,
  /** Traefik's entry point `traefik`, where `api.insecure` listens. */
  meshApi: 8080,
  ca: 9000,
  portainerAgent: 9001,
  portainer: 9443,
  /** Docker Swarm: its managers, its members' gossip (TCP and UDP), and containers across members (VXLAN, UDP). */
  swarmManager: 2377,
  swarmGossip: 7946,
  swarmOverlay: 4789,
} as const;
