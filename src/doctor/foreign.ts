/** What somebody else made and a sync would meet: as the components themselves find it for a plan. */
import type { Component, ComponentName, Hazard, Io } from "../component.ts";
import { memo } from "../fabric/memo.ts";
import type { Site } from "../model.ts";
import { option } from "../option-names.ts";
import type { HostName } from "../resource.ts";
import { dockerMachines } from "./docker.ts";
import { stopping, unitOf } from "./ports.ts";
import { type Finding, guestGates, type Prerequisite } from "./prerequisite.ts";

interface ForeignText {
  readonly component: ComponentName;
  readonly where: string;
  readonly must: string;
  readonly asked: string;
  readonly remedy: string;
  readonly after: readonly string[];
  readonly load: () => Promise<Component>;
  readonly machines: (site: Site) => readonly HostName[];
}

const adoption = `\`phoenix sync COMPONENT ${option.allow} adopt\` takes it over`;

const texts: readonly ForeignText[] = [
  {
    component: "dns",
    where: "the hypervisor",
    must: "nobody else answers on port 53 of its addresses, and no other file of dnsmasq is in the way",
    asked: "`ss -Hlntup`, the files of dnsmasq, `/etc/default/dnsmasq`",
    remedy: `\`systemctl disable --now UNIT\`; of a line of a file, ${adoption}`,
    after: [],
    load: async () => (await import("../components/dns/index.ts")).dns,
    machines: ({ dns }) => (dns?.enabled === true ? ["pve"] : []),
  },
  {
    component: "portainer",
    where: "each virtual machine with Portainer or an agent",
    must: "nobody else has the ports and the containers' names of Portainer and its agents",
    asked: "`docker ps --all`, `ss -Hlntup`",
    remedy: `stop the program, or ${adoption}`,
    after: [...guestGates, "docker", "docker-runs"],
    load: async () => (await import("../components/portainer/index.ts")).portainer,
    machines: (site) => (site.portainer === undefined ? [] : dockerMachines(site)),
  },
  {
    component: "traefik",
    where: "the mesh",
    must: "no other file of the watched directory has a declared router or its rule",
    asked: "the files of `/etc/traefik/dynamic`",
    remedy: adoption,
    after: [...guestGates, "traefik", "traefik-configuration"],
    load: async () => (await import("../components/traefik/index.ts")).traefik,
    machines: ({ roles }) => (roles.mesh === undefined ? [] : [roles.mesh.host]),
  },
  {
    component: "nginx",
    where: "the gateway",
    must: "no other site of Nginx serves a declared name, or is the default server",
    asked: "`nginx -T`",
    remedy: adoption,
    after: [...guestGates, "nginx"],
    load: async () => (await import("../components/nginx/index.ts")).nginx,
    machines: ({ roles }) => (roles.gateway === undefined ? [] : [roles.gateway.host]),
  },
  {
    component: "stacks",
    where: "each virtual machine with stacks",
    must: "nobody else has a stack's name, its ports or its containers' names",
    asked: "`docker ps --all`, `ss -Hlntup`, Portainer's stacks",
    remedy: `stop the program, or ${adoption}`,
    after: [...guestGates, "docker", "docker-runs"],
    load: async () => (await import("../components/stacks/index.ts")).stacks,
    machines: ({ stacks }) => [...new Set(stacks.map(({ guest }) => guest.host))],
  },
];

/** Hazards of a component that creates everything it declares: what is in place already is not foreign. */
async function foreignHazards(io: Io, load: () => Promise<Component>): Promise<readonly Hazard[]> {
  const component = await load();
  const changes = component.compile(io.site).map((desired) => ({ verb: "create", desired }) as const);
  const found = (await component.hazards?.(changes, io)) ?? [];
  return found.filter(({ foreign }) => foreign !== undefined);
}

/** @param units by the processes of programs, where they are known */
export function judgeForeign(
  hazards: readonly Hazard[],
  component: ComponentName,
  units: ReadonlyMap<string, string>,
): readonly Finding[] {
  return hazards.map(({ message, hint, consent, foreign }): Finding => {
    const pid = foreign?.process;
    const unit = pid === undefined ? undefined : units.get(pid);
    const stop = pid === undefined ? {} : stopping({ pid, ...(unit === undefined ? {} : { unit }) });
    const adopt =
      consent === undefined
        ? {}
        : { fix: { on: "pve" as const, argv: ["phoenix", "sync", component, option.allow, consent] } };
    return { message, ...(hint === undefined ? {} : { hint }), ...adopt, ...stop };
  });
}

export const foreignRows: readonly Prerequisite[] = texts.map(({ component, load, ...text }) => {
  // A component looks at all its machines at once.
  const allHazards = memo((io: Io) => foreignHazards(io, load));
  return {
    id: `foreign-${component}`,
    parts: [component],
    ...text,
    examine: async ({ machine, host, io }) => {
      const hazards = (await allHazards(io)).filter(({ foreign }) => foreign?.host === machine);
      const pids = hazards.flatMap(({ foreign }) => foreign?.process ?? []);
      const units = await Promise.all(
        [...new Set(pids)].map(async (pid) => [pid, (await unitOf(host, pid)).unit] as const),
      );
      const known = new Map(
        units.flatMap(([pid, unit]) => (unit === undefined ? [] : [[pid, unit] as const])),
      );
      return judgeForeign(hazards, component, known);
    },
  };
});
