/** The drifts that are tried: one hand-made change each, and exactly the resources that a plan must report for it. */
import { readdirSync } from "node:fs";
import type { LabDocker } from "../../../lab/docker.ts";
import type { ComponentName } from "../../../src/component.ts";
import type { PortainerEnvironment, Stack } from "../../../src/model.ts";
import type { GuestName, ResourceId } from "../../../src/resource.ts";
import type { WholeSite } from "../../whole-site.ts";
import { type Hands, withoutLastLine } from "./hands.ts";

export interface Drift {
  readonly component: ComponentName;
  readonly what: string;
  /** What a plan must report: these and no other resources. */
  readonly ids: (site: WholeSite) => readonly ResourceId[];
  readonly make: (hands: Hands, site: WholeSite) => void | Promise<void>;
  /** It keeps others from being seen: it is tried without them. */
  readonly alone?: true;
}

const only =
  (...ids: readonly ResourceId[]) =>
  (): readonly ResourceId[] =>
    ids;

const root = "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt";
const records = "/etc/phoenix/hosts.d/phoenix.hosts";
const cluster = "/etc/pve/firewall/cluster.fw";
const dynamic = "/etc/traefik/dynamic/dynamic_conf.yml";
const gatewayFile = "/etc/nginx/sites-available/gateway";

export const drifts: readonly Drift[] = [
  {
    component: "trust",
    what: "the installed root is gone",
    ids: only("trust/root"),
    make: (hands) => hands.remove("pve", root),
  },
  {
    component: "trust",
    what: "another certificate is installed",
    ids: only("trust/root"),
    make: (hands, { certificates: [first] }) =>
      hands.write("pve", root, hands.text("pve", first?.certPath ?? "")),
  },
  {
    component: "trust",
    what: "the system's store was emptied",
    ids: only("trust/root"),
    make: (hands) => hands.write("pve", "/etc/ssl/certs/ca-certificates.crt", ""),
  },
  {
    component: "dns",
    what: "a record was deleted",
    ids: only("dns/records"),
    make: (hands) => hands.edit("pve", records, withoutLastLine),
  },
  {
    component: "dns",
    what: "a record points somewhere else",
    ids: only("dns/records"),
    make: (hands, site) =>
      hands.edit("pve", records, (text) => text.replace(site.roles.ca.address, "192.0.2.1")),
  },
  {
    component: "dns",
    what: "the records are gone",
    ids: only("dns/records"),
    make: (hands) => hands.remove("pve", records),
  },
  {
    component: "dns",
    what: "an option was added to the configuration",
    ids: only("dns/configuration"),
    make: (hands) => hands.edit("pve", "/etc/dnsmasq.d/phoenix.conf", (text) => `${text}log-queries\n`),
  },
  {
    component: "dns",
    what: "the configuration is gone",
    ids: only("dns/configuration"),
    make: (hands) => hands.remove("pve", "/etc/dnsmasq.d/phoenix.conf"),
  },
  {
    component: "dns",
    what: "dnsmasq was stopped and disabled",
    ids: only("dns/service"),
    make: async (hands) => {
      await hands.run("pve", "systemctl", "disable", "dnsmasq");
      await hands.run("pve", "systemctl", "stop", "dnsmasq");
    },
  },
  {
    component: "firewall",
    what: "a guest's rule was deleted",
    ids: (site) => [`firewall/group-${plainGuest(site)}`],
    make: (hands, site) => hands.edit("pve", cluster, (text) => withoutRule(text, plainGuest(site))),
  },
  {
    component: "firewall",
    what: "the hypervisor's rules are gone",
    ids: only("firewall/rules"),
    make: (hands) => hands.edit("pve", cluster, (text) => text.replace(/(\[RULES\]\n)[^[]*/m, "$1\n")),
  },
  {
    component: "firewall",
    what: "everything is let in",
    ids: only("firewall/options"),
    make: (hands) =>
      hands.edit("pve", cluster, (text) => text.replace("policy_in: DROP", "policy_in: ACCEPT")),
  },
  {
    component: "firewall",
    what: "a guest's file is gone",
    ids: (site) => [`firewall/guest-${plainGuest(site)}`],
    make: (hands, site) => hands.remove("pve", `/etc/pve/firewall/${plainGuest(site).split("-")[1]}.fw`),
  },
  {
    component: "firewall",
    what: "the firewall was stopped",
    ids: only("firewall/service"),
    make: async (hands) => {
      await hands.run("pve", "systemctl", "stop", "pve-firewall");
    },
  },
  {
    component: "certificates",
    what: "a key was replaced by another one",
    ids: ({ certificates: [first] }) => [`certificates/${first?.commonName}`],
    make: (hands, { certificates: [first, second] }) =>
      hands.edit("pve", first?.keyPath ?? "", () => hands.text("pve", second?.keyPath ?? "")),
  },
  {
    component: "certificates",
    what: "a certificate is gone",
    ids: ({ certificates }) => [`certificates/${certificates.at(-1)?.commonName}`],
    make: (hands, { certificates }) => hands.remove("pve", certificates.at(-1)?.certPath ?? ""),
  },
  {
    component: "certificates",
    what: "a key can be read by everybody",
    ids: ({ certificates: [first] }) => [`certificates/${first?.commonName}`],
    make: async (hands, { certificates: [first] }) => {
      await hands.run("pve", "chmod", "644", first?.keyPath ?? "");
    },
  },
  {
    component: "portainer",
    what: "an agent is gone",
    alone: true,
    ids: (site) => [`portainer/agent-${agentOf(site).name}`],
    make: (hands, site) => hands.docker(agentOf(site).guest.host).remove("portainer_agent", true),
  },
  {
    component: "portainer",
    what: "the server is gone",
    alone: true,
    // Without a server nobody can say what it knows.
    ids: ({ portainer }) => [
      "portainer/server",
      "portainer/administrator",
      ...(portainer?.environments ?? []).map(({ name }) => `portainer/environment-${name}` as const),
    ],
    make: (hands, site) => hands.docker(serverOf(site)).remove("portainer_server", true),
  },
  {
    component: "portainer",
    what: "the server's compose file was edited on the share",
    alone: true,
    ids: only("portainer/server"),
    make: (hands, site) =>
      hands.edit(serverOf(site), `${site.portainer?.share.mountPoint}/portainer/docker-compose.yml`, (text) =>
        text.replace("9443:9443", "9444:9443"),
      ),
  },
  {
    component: "portainer",
    what: "an environment has another address",
    alone: true,
    ids: (site) => [`portainer/environment-${agentOf(site).name}`],
    make: (hands, site) => {
      const database = hands.portainer(serverOf(site));
      const endpoints = database
        .read()
        .endpoints.map((each) =>
          each.Name === agentOf(site).name ? { ...each, URL: "tcp://192.0.2.1:9001" } : each,
        );
      database.write({ endpoints });
    },
  },
  {
    component: "traefik",
    what: "the mesh's configuration was edited",
    ids: only("traefik/routes"),
    make: (hands, { roles }) =>
      hands.edit(roles.mesh.host, dynamic, (text) => text.replace("Host(", "HostRegexp(")),
  },
  {
    component: "traefik",
    what: "the mesh's configuration is gone",
    ids: only("traefik/routes"),
    make: (hands, { roles }) => hands.remove(roles.mesh.host, dynamic),
  },
  {
    component: "nginx",
    what: "the gateway's configuration was edited",
    ids: only("nginx/gateway"),
    make: (hands, { roles }) =>
      hands.edit(roles.gateway.host, gatewayFile, (text) =>
        text.replace("proxy_http_version 1.1", "proxy_http_version 1.0"),
      ),
  },
  {
    component: "nginx",
    what: "the gateway's site was disabled",
    ids: only("nginx/enabled"),
    make: (hands, { roles }) => hands.remove(roles.gateway.host, "/etc/nginx/sites-enabled/gateway"),
  },
  {
    component: "nginx",
    what: "the distribution's site is enabled again",
    ids: only("nginx/distribution-site"),
    make: (hands, { roles }) =>
      hands.lab.files.makeLink(
        roles.gateway.host,
        "/etc/nginx/sites-available/default",
        "/etc/nginx/sites-enabled/default",
      ),
  },
  {
    component: "nginx",
    what: "Nginx was stopped",
    ids: only("nginx/service"),
    make: async (hands, { roles }) => {
      await hands.run(roles.gateway.host, "systemctl", "stop", "nginx");
    },
  },
  {
    component: "stacks",
    what: "a container is gone",
    ids: (site) => [stackId(site, "grafana")],
    make: (hands, site) => {
      const docker = hands.docker(stackOf(site, "grafana").guest.host);
      docker.remove(containerOf(docker, "grafana"), true);
    },
  },
  {
    component: "stacks",
    what: "a container was stopped",
    ids: (site) => [stackId(site, "wiki")],
    make: (hands, site) => {
      const docker = hands.docker(stackOf(site, "wiki").guest.host);
      docker.stop(containerOf(docker, "wiki"));
    },
  },
  {
    component: "stacks",
    what: "a variable was changed in Portainer",
    ids: (site) => [stackId(site, "wiki")],
    make: (hands, site) => {
      const database = hands.portainer(serverOf(site));
      const stacks = database.read().stacks.map((each) =>
        each.Name === "wiki"
          ? {
              ...each,
              Env: (each.Env ?? []).map((one) => (one.name === "DB_USER" ? { ...one, value: "root" } : one)),
            }
          : each,
      );
      database.write({ stacks });
    },
  },
  {
    component: "stacks",
    what: "a stack was deleted in Portainer",
    ids: (site) => [stackId(site, "queue")],
    make: (hands, site) => {
      const database = hands.portainer(serverOf(site));
      database.write({ stacks: database.read().stacks.filter(({ Name }) => Name !== "queue") });
      const docker = hands.docker(stackOf(site, "queue").guest.host);
      for (const { id, labels } of docker.state.containers)
        if (labels["com.docker.compose.project"] === "queue") docker.remove(id, true);
    },
  },
  {
    component: "stacks",
    what: "a file on the share was edited",
    ids: (site) => [stackId(site, "grafana")],
    make: (hands, site) => {
      const { guest, share } = stackOf(site, "grafana");
      const directory = `${share.mountPoint}/stacks/grafana`;
      const name = readdirSync(hands.lab.path(guest.host, directory), {
        recursive: true,
        encoding: "utf8",
      }).find((path) => path.endsWith("prometheus.yml"));
      hands.edit(guest.host, `${directory}/${name}`, (text) => `${text}# by hand\n`);
    },
  },
];

/** A container that is nothing but itself: "lxc-221". */
function plainGuest(site: WholeSite): string {
  const service = site.services.find(({ id }) => id === "photos");
  return (service?.guest.host ?? "").replace("/", "-");
}

/** The text without the first rule of a guest's group. */
function withoutRule(text: string, guest: string): string {
  return text.replace(new RegExp(`(\\[group [^\\]]*${guest}\\][^\\n]*\\n\\s*)(IN|OUT) [^\\n]*\\n`), "$1");
}

function serverOf({ portainer }: WholeSite): GuestName {
  if (portainer === undefined) throw new Error("the site has no Portainer");
  return portainer.guest.host;
}

function agentOf({ portainer }: WholeSite): PortainerEnvironment {
  const agent = portainer?.environments.find(({ kind }) => kind === "agent");
  if (agent === undefined) throw new Error("the site has no agent");
  return agent;
}

function stackOf({ stacks }: WholeSite, name: string): Stack {
  const stack = stacks.find((each) => each.name === name);
  if (stack === undefined) throw new Error(`the site has no stack ${name}`);
  return stack;
}

/** As src/components/stacks names it. */
function stackId(site: WholeSite, name: string): ResourceId {
  const several = site.stacks.filter((each) => each.name === name).length > 1;
  return `stacks/${several ? `${name}@${stackOf(site, name).portainerEnvironment}` : name}`;
}

function containerOf(docker: LabDocker, service: string): string {
  const found = docker.state.containers.find(
    ({ labels }) => labels["com.docker.compose.service"] === service,
  );
  if (found === undefined) throw new Error(`no container of ${service} runs`);
  return found.id;
}
