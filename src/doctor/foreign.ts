/** What somebody else made and a sync would meet: as the components themselves find it for a plan. */
import type { ComponentName, Hazard } from "../component.ts";
import { isUnavailable } from "../errors.ts";
import { gatewaysOf } from "../fabric/services.ts";
import type { Site } from "../model.ts";
import { option } from "../option-names.ts";
import type { HostName } from "../resource.ts";
import { dockerMachines } from "./docker.ts";
import { stopping, unitOf } from "./ports.ts";
import { type Finding, guestGates, hypervisorIf, type Prerequisite } from "./prerequisite.ts";

interface ForeignText {
  readonly component: ComponentName;
  readonly where: string;
  readonly must: string;
  readonly asked: string;
  readonly remedy: string;
  readonly after: readonly string[];
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
    machines: ({ dns }) => (dns?.enabled === true ? ["pve"] : []),
  },
  {
    component: "portainer",
    where: "each virtual machine with Portainer or an agent",
    must: "nobody else has the ports and the containers' names of Portainer and its agents",
    asked: "`docker ps --all`, `ss -Hlntup`",
    remedy: `stop the program, or ${adoption}`,
    after: [...guestGates, "docker", "docker-runs"],
    machines: (site) => (site.portainer === undefined ? [] : dockerMachines(site)),
  },
  {
    component: "traefik",
    where: "the mesh",
    must: "no other file of the watched directory has a declared router or its rule",
    asked: "the files of `/etc/traefik/dynamic`",
    remedy: adoption,
    after: [...guestGates, "traefik", "traefik-configuration"],
    machines: ({ roles }) => (roles.mesh === undefined ? [] : [roles.mesh.host]),
  },
  {
    component: "nginx",
    where: "the gateway",
    must: "no other site of Nginx serves a declared name, or is the default server",
    asked: "`nginx -T`",
    remedy: adoption,
    after: [...guestGates, "nginx"],
    machines: (site) => gatewaysOf(site).map(({ host }) => host),
  },
  {
    component: "stacks",
    where: "each virtual machine with stacks",
    must: "nobody else has a stack's name, its ports or its containers' names",
    asked: "`docker ps --all`, `ss -Hlntup`, Portainer's stacks",
    remedy: `stop the program, or ${adoption}`,
    after: [...guestGates, "docker", "docker-runs"],
    machines: ({ stacks }) => [...new Set(stacks.map(({ guest }) => guest.host))],
  },
];

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
        : { fix: { on: "here" as const, argv: ["phoenix", "sync", component, option.allow, consent] } };
    return { message, ...(hint === undefined ? {} : { hint }), ...adopt, ...stop };
  });
}

/** Changes that a sync would not make without consent, though nothing foreign is in their way. */
const consents: Prerequisite = {
  id: "consents",
  parts: [],
  where: "the hypervisor",
  must: "no change that waits needs a consent: none cuts anybody off, or empties what it changes",
  asked: "the live state, as `phoenix plan` does",
  remedy:
    "`phoenix plan` shows the change; correct the site, or repeat the sync with the consent that is named",
  after: ["firewall-program"],
  machines: hypervisorIf(() => true),
  examine: async ({ hazards }) => {
    const found = await Promise.all([...hazards.values()].map((look) => look().catch(passUnavailable)));
    return found
      .flat()
      .filter(({ foreign }) => foreign === undefined)
      .map(({ message, hint }) => ({ message, ...(hint === undefined ? {} : { hint }) }));
  },
};

/** Another row tells why a machine cannot be asked. */
function passUnavailable(error: unknown): readonly Hazard[] {
  if (!isUnavailable(error)) throw error;
  return [];
}

const foreign = texts.map(({ component, ...text }): Prerequisite => {
  return {
    id: `foreign-${component}`,
    parts: [component],
    ...text,
    examine: async ({ machine, host, hazards: ofAll }) => {
      const found = (await ofAll.get(component)?.()) ?? [];
      const hazards = found.filter(({ foreign }) => foreign?.host === machine);
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

export const foreignRows: readonly Prerequisite[] = [...foreign, consents];
