/** A site with two gateways that have an address in common: the example without Portainer, with a second gateway behind a firewall. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const shared = "192.168.80.9";
/** Served through the mesh, by a container. */
export const servedName = "media.ash.home.arpa";
export const hypervisorFile = "etc/phoenix_hypervisor_config.json";
export const containersFile = "etc/phoenix_lxc_configs.json";

export function edit(site: string, file: string, change: (text: string) => string): void {
  const path = join(site, file);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

/** Writes it into a directory that need not be there. */
export function writePairSite(site: string): void {
  cpSync(join(import.meta.dirname, "../examples/no-portainer"), site, { recursive: true });
  edit(site, hypervisorFile, (text) =>
    text
      .replace('"interfaces"', `"gateway_address": "${shared}",\n    "interfaces"`)
      .replace(/\n\}\s*$/, ',\n  "firewall": { "enabled": true }\n}\n'),
  );
  const firewall =
    '"firewall": { "enabled": true, "rules": [{ "type": "in", "action": "ACCEPT", "proto": "tcp", "port": "22" }] }';
  edit(site, containersFile, (text) =>
    text.replace('"fabric_role": "gateway",', `"fabric_role": "gateway",\n    ${firewall},`).replace(
      '  "102": {',
      `  "111": {
    "name": "gateway-two",
    "fabric_role": "standby_gateway",
    ${firewall},
    "network_config": { "ip": "192.168.80.10/24" },
    "mount_points": [{ "host_path": "/mnt/pve/tank/gateway/ssl", "container_path": "/etc/nginx/ssl" }]
  },
  "102": {`,
    ),
  );
}
