/** The parts of a site that `phoenix init` knows: what can be declared one after the other. */

/** What a guest is to the fabric. */
export type Role = (typeof roleNames)[number];

export const roleNames = ["ca", "gateway", "mesh", "portainer"] as const;

interface PartDefinition {
  /** What the part does, for the question and the help. */
  readonly about: string;
  /** Parts that it builds on. */
  readonly needs: readonly Part[];
  /** The roles that it needs a guest for. */
  readonly roles: readonly Role[];
}

export type Part = "dns" | "firewall" | "ca" | "gateway" | "portainer";

export const partDefinitions: Readonly<Record<Part, PartDefinition>> = {
  dns: { about: "dnsmasq on the hypervisor answers for every name of the site", needs: [], roles: [] },
  firewall: { about: "the Proxmox firewall of the hypervisor and the guests", needs: [], roles: [] },
  ca: { about: "Step-CA in a container; the hypervisor trusts it", needs: [], roles: ["ca"] },
  gateway: {
    about: "Nginx and Traefik in two containers: https://NAME.DOMAIN for every service",
    needs: ["ca"],
    roles: ["gateway", "mesh"],
  },
  portainer: {
    about: "Portainer on a virtual machine, and the Docker stacks that it runs",
    needs: ["gateway"],
    roles: ["portainer"],
  },
};

export const partNames = Object.keys(partDefinitions) as readonly Part[];

/** What is declared when nobody says more: both work without any other guest. */
export const defaultParts: readonly Part[] = ["dns", "firewall"];

/** Parts with those that they build on, in the order of the table. */
export function withNeeded(parts: readonly Part[]): readonly Part[] {
  const all = new Set<Part>();
  const add = (part: Part): void => {
    all.add(part);
    partDefinitions[part].needs.forEach(add);
  };
  parts.forEach(add);
  return partNames.filter((part) => all.has(part));
}
