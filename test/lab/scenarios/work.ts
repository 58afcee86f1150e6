/** Something to do in every component of any site: what a run has before it when something else breaks. */
import type { ComponentName } from "../../../src/component.ts";
import type { WholeSite } from "../../whole-site.ts";
import { type Hands, withoutLastLine } from "./hands.ts";

type Work = (hands: Hands, site: WholeSite) => void | Promise<void>;

export const work: Readonly<Record<ComponentName, Work>> = {
  trust: (hands) => hands.remove("pve", "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt"),
  dns: (hands) => hands.edit("pve", "/etc/phoenix/hosts.d/phoenix.hosts", withoutLastLine),
  firewall: (hands) =>
    hands.edit("pve", "/etc/pve/firewall/cluster.fw", (text) =>
      text.replace("policy_in: DROP", "policy_in: ACCEPT"),
    ),
  certificates: (hands, { certificates }) => {
    for (const { certPath } of certificates) hands.remove("pve", certPath);
  },
  portainer: (hands, { portainer }) => {
    for (const { kind, guest } of portainer?.environments ?? [])
      if (kind === "agent") hands.docker(guest.host).remove("portainer_agent", true);
  },
  traefik: (hands, { roles }) => hands.remove(roles.mesh.host, "/etc/traefik/dynamic/dynamic_conf.yml"),
  nginx: (hands, { roles }) =>
    hands.edit(roles.gateway.host, "/etc/nginx/sites-available/gateway", (text) =>
      text.replace("proxy_http_version 1.1", "proxy_http_version 1.0"),
    ),
  stacks: (hands, { stacks }) => {
    for (const { guest, project } of stacks) {
      const docker = hands.docker(guest.host);
      for (const { id, labels } of docker.state.containers)
        if (labels["com.docker.compose.project"] === project) docker.remove(id, true);
    }
  },
};
