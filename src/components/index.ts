/** The components, in the order that plans and results show them: a folder and a line in the table for each. */
import type { Component, ComponentName } from "../component.ts";

const table: Readonly<Record<ComponentName, () => Promise<Component>>> = {
  trust: async () => (await import("./trust/index.ts")).trust,
  dns: async () => (await import("./dns/index.ts")).dns,
  firewall: async () => (await import("./firewall/index.ts")).firewall,
  certificates: async () => (await import("./certificates/index.ts")).certificates,
  swarm: async () => (await import("./swarm/index.ts")).swarm,
  portainer: async () => (await import("./portainer/index.ts")).portainer,
  traefik: async () => (await import("./traefik/index.ts")).traefik,
  nginx: async () => (await import("./nginx/index.ts")).nginx,
  keepalived: async () => (await import("./keepalived/index.ts")).keepalived,
  stacks: async () => (await import("./stacks/index.ts")).stacks,
};

export const componentNames: readonly ComponentName[] = Object.keys(table);

export async function loadComponents(): Promise<readonly Component[]> {
  const { withGuestNames } = await import("./foreign/guests.ts");
  return Promise.all(Object.values(table).map(async (load) => withGuestNames(await load())));
}
