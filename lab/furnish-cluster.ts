/** What makes nodes a cluster: corosync's file, known hosts, shared storages; and the nodes besides the hypervisor. */
import { createHash } from "node:crypto";
import type { Site } from "../src/model.ts";
import { nodesOf } from "./cluster.ts";
import { datasetsOf } from "./facts.ts";
import type { LabCluster, LabNode } from "./nodes.ts";
import type { Lab } from "./parts.ts";

/** Files of the cluster, and the names of all nodes on each. */
export function furnishCluster(lab: Lab, site: Site): void {
  const { facts, files } = lab;
  const { cluster } = facts;
  if (cluster === undefined) return;
  files.write("pve", "/etc/pve/corosync.conf", corosyncText(cluster));
  files.write("pve", "/etc/pve/storage.cfg", storageText(site));
  files.makeDirectory("pve", "/etc/pve/priv/lock");
  files.write("pve", "/etc/pve/priv/known_hosts", nodesOf(lab).map(knownHost).join(""));
  for (const { host, name, address } of nodesOf(lab)) {
    files.makeDirectory(host, `/etc/pve/nodes/${name}/priv`);
    // Proxmox VE 8.2 and later: a file for each node. The link is what older ones have.
    files.write(host, `/etc/pve/nodes/${name}/ssh_known_hosts`, knownHost({ name, address }));
    files.makeDirectory(host, "/etc/ssh");
    files.makeLink(host, "/etc/pve/priv/known_hosts", "/etc/ssh/ssh_known_hosts");
    const others = nodesOf(lab).filter((node) => node.host !== host);
    const lines = others.map((node) => `${node.address} ${node.name}.${facts.domain} ${node.name}\n`);
    files.write(host, "/etc/hosts", `${files.text(host, "/etc/hosts") ?? ""}${lines.join("")}`);
  }
}

function knownHost({ name, address }: Pick<LabNode, "name" | "address">): string {
  const key = createHash("sha256").update(`${name} ${address}`).digest("base64");
  return `${name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${key.slice(0, 43)}\n`;
}

function corosyncText({ name, nodes, qdevice }: LabCluster): string {
  const list = nodes.map(
    (node) => `  node {
    name: ${node.name}
    nodeid: ${node.id}
    quorum_votes: 1
    ring0_addr: ${node.address}
  }
`,
  );
  const device = `  device {
    model: net
    net {
      algorithm: ffsplit
      host: qnetd.example.net
      tls: on
    }
    votes: 1
  }
`;
  return `logging {
  debug: off
  to_syslog: yes
}

nodelist {
${list.join("")}}

quorum {
${qdevice ? device : ""}  provider: corosync_votequorum
}

totem {
  cluster_name: ${name}
  config_version: ${nodes.length}
  interface {
    linknumber: 0
  }
  ip_version: ipv4-6
  link_mode: passive
  secauth: on
  version: 2
}
`;
}

/** The hypervisor exports its datasets, and every node mounts them. */
function storageText(site: Site): string {
  const { mountBase, address } = site.hypervisor;
  const guests = site.guests.filter(({ template }) => !template);
  const shared = datasetsOf(site, guests).map(
    (name) =>
      `\nnfs: ${name}\n\texport /${name}\n\tpath ${mountBase}/${name}\n\tserver ${address}\n\tcontent images,rootdir\n`,
  );
  return `dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n${shared.join("")}`;
}
