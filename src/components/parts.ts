/** Which components take part in a site: what each needs, and why one is off where the site does not declare that. Pure. */
import type { Component, ComponentName } from "../component.ts";
import type { Site } from "../model.ts";

/** A component that takes no part in a site. */
export interface OffComponent {
  readonly component: ComponentName;
  /** A clause: "no CA is declared". */
  readonly reason: string;
}

interface Part {
  /** What a site declares to have it, for docs/site.md. */
  readonly needs: string;
  /** Why it is off; undefined when the site declares what it needs. */
  readonly off: (site: Site) => string | undefined;
  /** Most sites do without it: that it is off is not told. */
  readonly isRare?: true;
}

const noCa = ({ ca }: Site): string | undefined => (ca === undefined ? "no CA is declared" : undefined);
const noMesh = ({ roles }: Site): string | undefined =>
  roles.mesh === undefined ? "no mesh is declared" : undefined;
const noPortainer = "no Portainer is declared";

/** In the order of the components. */
export const parts: Readonly<Record<ComponentName, Part>> = {
  trust: { needs: "a container with the role CA", off: noCa },
  dns: {
    needs: "`dns_server`, `domain_name`",
    off: ({ dns }) => (dns === undefined ? "no dns_server is declared" : undefined),
  },
  firewall: {
    needs: "`firewall`",
    off: ({ firewall }) => (firewall === undefined ? "no firewall is declared" : undefined),
  },
  certificates: { needs: "a container with the role CA, and entries of the manifest", off: noCa },
  swarm: {
    needs: "`swarm` of virtual machines",
    off: ({ swarms }) => (swarms.length === 0 ? "no Swarm is declared" : undefined),
    isRare: true,
  },
  portainer: {
    needs:
      'a virtual machine with `"portainer_role": "primary"`, its certificate in the manifest, `portainer_api`',
    off: ({ portainer, externalPortainer }) => {
      if (portainer !== undefined) return undefined;
      return externalPortainer === undefined ? noPortainer : "somebody else runs Portainer";
    },
  },
  traefik: { needs: "a container with the role mesh", off: noMesh },
  nginx: {
    needs: "containers with the roles gateway and mesh, and the gateway's certificate in the manifest",
    off: (site) => (site.roles.gateway === undefined ? "no gateway is declared" : noMesh(site)),
  },
  keepalived: {
    needs: "a gateway, a container with the role standby_gateway, `network.gateway_address`",
    off: (site) => (site.gatewayPair === undefined ? "no standby gateway is declared" : undefined),
    isRare: true,
  },
  stacks: {
    needs: "Portainer, and `docker_stacks` of virtual machines or `swarms`",
    off: ({ portainer, externalPortainer }) =>
      portainer === undefined && externalPortainer === undefined ? noPortainer : undefined,
  },
};

/** The components that are off, in their order, without those that most sites do without. */
export function componentsOff(site: Site): readonly OffComponent[] {
  return Object.entries(parts).flatMap(([component, { off, isRare }]) => {
    const reason = isRare === true ? undefined : off(site);
    return reason === undefined ? [] : [{ component, reason }];
  });
}

/** The components that take part, each after those that the ones which are off would have waited for. */
export function takingPart(components: readonly Component[], site: Site): readonly Component[] {
  const off = new Set(
    Object.entries(parts).flatMap(([name, part]) => (part.off(site) === undefined ? [] : [name])),
  );
  const afterOf = (names: readonly ComponentName[]): readonly ComponentName[] =>
    names.flatMap((name) =>
      off.has(name) ? afterOf(components.find((each) => each.name === name)?.after ?? []) : [name],
    );
  return components
    .filter(({ name }) => !off.has(name))
    .map((component) => ({ ...component, after: [...new Set(afterOf(component.after))] }));
}
