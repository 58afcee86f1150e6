/** Damage by hand on real systems: a plan names exactly what was damaged, a sync repairs it and nothing else. */
import { describe, expect, test } from "vitest";
import { routedServices } from "../../src/fabric/services.ts";
import type { WholeSite } from "../whole-site.ts";
import { portainerApi } from "./client.ts";
import { expectRun, type Machine } from "./machines.ts";
import { converge, planned } from "./phoenix.ts";
import { containersOf, idsOf, machineOf } from "./reality.ts";

interface Drift {
  readonly what: string;
  readonly id: (site: WholeSite) => string;
  readonly make: (site: WholeSite) => Promise<unknown>;
}

const sh = (machine: Machine, script: string, ...args: readonly string[]) =>
  expectRun(machine, ["sh", "-eu", "-c", script, "sh", ...args]);

/** A container that runs a service by itself, with rules of its own. */
function plainService(site: WholeSite) {
  const found = routedServices(site).find(({ guest, stack }) => guest.kind === "lxc" && stack === undefined);
  if (found === undefined) throw new Error("the site has no service on a container");
  return found;
}

/** A stack that is on one machine only. */
function soleStack({ stacks }: WholeSite) {
  const found = stacks.find(({ name }) => stacks.filter((each) => each.name === name).length === 1);
  if (found === undefined) throw new Error("the site has no stack that is on one machine only");
  return found;
}

function lastEnvironment({ portainer }: WholeSite) {
  const found = portainer?.environments.filter(({ kind }) => kind === "agent").at(-1);
  if (portainer === undefined || found === undefined)
    throw new Error("the site has no Portainer with an agent");
  return { portainer, ...found };
}

const records = "/etc/phoenix/hosts.d/phoenix.hosts";
const cluster = "/etc/pve/firewall/cluster.fw";

const onMachines: readonly Drift[] = [
  {
    what: "a DNS record was removed",
    id: () => "dns/records",
    make: () => sh("pve", `sed --in-place '$d' ${records}`),
  },
  {
    what: "a guest's firewall rule was removed",
    id: (site) => `firewall/group-${machineOf(plainService(site).guest.host)}`,
    make: (site) => {
      const script = `awk -v port="-dport $1" '!done && index($0, port) { done = 1; next } { print }' ${cluster} >/tmp/fw; cat /tmp/fw >${cluster}`;
      return sh("pve", script, `${plainService(site).backend.port}`);
    },
  },
  {
    what: "a container was removed",
    id: (site) => `stacks/${soleStack(site).name}`,
    make: async (site) => {
      const machine = machineOf(soleStack(site).guest.host);
      const own = (await containersOf(machine)).find(({ project }) => project === soleStack(site).project);
      return expectRun(machine, ["docker", "rm", "--force", own?.name ?? ""]);
    },
  },
  {
    what: "Nginx's site was edited",
    id: () => "nginx/gateway",
    make: ({ roles }) =>
      sh(
        machineOf(roles.gateway.host),
        "sed --in-place 's/proxy_http_version 1.1/proxy_http_version 1.0/' /etc/nginx/sites-available/gateway",
      ),
  },
  {
    what: "Traefik's file was cut off",
    id: () => "traefik/routes",
    make: ({ roles }) =>
      sh(machineOf(roles.mesh.host), "truncate --size=200 /etc/traefik/dynamic/dynamic_conf.yml"),
  },
];

const besides: readonly Drift[] = [
  {
    what: "the root was taken out of the hypervisor's trust",
    id: () => "trust/root",
    make: () => sh("pve", "rm /usr/local/share/ca-certificates/phoenix*.crt; update-ca-certificates --fresh"),
  },
  {
    what: "dnsmasq was stopped",
    id: () => "dns/service",
    make: () => sh("pve", "systemctl stop dnsmasq"),
  },
  {
    what: "a guest's firewall file was removed",
    id: (site) => `firewall/guest-${machineOf(plainService(site).guest.host)}`,
    make: (site) => sh("pve", 'rm "/etc/pve/firewall/$1.fw"', `${plainService(site).guest.id}`),
  },
  {
    what: "a key was opened for everybody",
    id: ({ certificates }) => `certificates/${certificates[0]?.commonName}`,
    make: ({ certificates }) => sh("pve", 'chmod 644 "$1"', certificates[0]?.keyPath ?? ""),
  },
  {
    what: "an environment's address was changed in Portainer",
    id: (site) => `portainer/environment-${lastEnvironment(site).name}`,
    make: async (site) => {
      const { portainer, name } = lastEnvironment(site);
      const ask = await portainerApi(
        portainer.hostname,
        portainer.adminUser,
        portainer.adminPassword!.reveal(),
      );
      const all = (await ask("GET", "/endpoints")) as { Id: number; Name: string }[];
      return ask("PUT", `/endpoints/${all.find(({ Name }) => Name === name)?.Id}`, {
        URL: "tcp://192.0.2.1:9001",
      });
    },
  },
];

/** @param site answers the site once it has converged */
export function drifts(site: () => WholeSite): void {
  describe.each([
    ["files and containers", onMachines],
    ["services and settings", besides],
  ] as const)("damage: %s", (name, all) => {
    test(all.map(({ what }) => what).join("; "), async () => {
      const before = await idsOf(site());
      // The last ones speak to Portainer, which needs everything else to be reached.
      for (const { make } of [...all].reverse()) await make(site());
      const ids = all.map(({ id }) => id(site())).sort();
      // What stands on something damaged may not be readable: that is told apart from changes.
      expect(await planned(`${name} were damaged`, "all")).toEqual(ids);
      await converge(`repair ${name}`);
      expect(await planned("is it repaired?", "all")).toEqual([]);
      const removed = all.some(({ what }) => what === "a container was removed") ? 1 : 0;
      const after = await idsOf(site());
      expect([...before].filter(([key, id]) => after.get(key) !== id)).toHaveLength(removed);
      expect(after.size).toBe(before.size);
    }, 600_000);
  });
}
