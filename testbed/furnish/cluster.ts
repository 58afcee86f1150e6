/** What a cluster shares: its storage, root's keys and the hosts' keys of its nodes; and how other nodes are machines of "pve". */
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { type Cluster, type ClusterNode, type Fabric, nodesOf } from "./fabric.ts";
import { type Layers, machineOf, uplink } from "./layers.ts";

/** Where pve-cluster keeps what /etc/pve shows. */
export const clusterStore = "/var/lib/testbed/cluster";

export function furnishCluster(layers: Layers): void {
  const { fabric, write, enable } = layers;
  const { cluster } = fabric;
  write("pve", `${clusterStore}/storage.cfg`, storages(fabric).join("\n"));
  if (cluster === undefined) return;
  const [, ...others] = nodesOf(fabric);
  write("pve", "/etc/testbed/nodes", others.map(({ name }) => `${name}\n`).join(""));
  for (const node of others) describeNode(layers, cluster, node);
  for (const { name } of nodesOf(fabric)) enable(name, "corosync.service");
  for (const { name } of others) enable(name, "pve-guests.service");
  enable("pve", ...others.map(({ name }) => `testbed-guest@${name}.service`));
  write("pve", `${clusterStore}/corosync.conf`, corosyncText(cluster));
  for (const { name } of nodesOf(fabric)) write(name, "/etc/corosync/corosync.conf", corosyncText(cluster));
  furnishKeys(layers, cluster);
}

/** As `pvecm` writes it (pve-cluster 9), for people and programs that read it: the testbed's corosync does not. */
function corosyncText({ name, nodes }: Cluster): string {
  const entries = nodes.map(
    (node, at) => `  node {
    name: ${node.name}
    nodeid: ${at + 1}
    quorum_votes: ${node.votes}
    ring0_addr: ${node.address}
  }
`,
  );
  return `logging {
  debug: off
  to_syslog: yes
}

nodelist {
${entries.join("")}}

quorum {
  provider: corosync_votequorum
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

/** A node as a machine inside pve: the same programs, its own link, and the files of the whole testbed for its guests. */
function describeNode({ fabric, describe }: Layers, { shared }: Cluster, { name }: ClusterNode): void {
  describe(name, "network", [`${fabric.bridge} veth${machineOf(name)} ${uplink}`]);
  describe(name, "parts", ["pve", "machine", "debian"]);
  describe(name, "options", [
    "--bind-ro=/dev/fuse",
    "--bind-ro=/usr/lib/phoenix",
    "--bind=/srv/testbed",
    // What pve exports, wherever it lies.
    "--bind=/:/srv/exported:norbind",
    `--bind=${clusterStore}`,
    ...shared.map((dataset) => `--bind=${dataset}`),
  ]);
}

function storages({ cluster, mounts }: Fabric): readonly string[] {
  const local = "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n";
  if (cluster === undefined) return [local];
  const datasets = mounts.filter(({ host, tree }) => host === "pve" && tree === "pve");
  return [
    local,
    ...datasets.map(({ path, source }) => {
      const where = cluster.shared.includes(source) ? "shared 1" : "nodes pve";
      return `dir: ${source.slice(1)}\n\tpath ${path}\n\tcontent snippets\n\t${where}\n`;
    }),
  ];
}

/** Root of each node may enter the others, and knows them by their names (pve-cluster 9). */
function furnishKeys(layers: Layers, { knownHosts }: Cluster): void {
  const { fabric, write } = layers;
  const authorized: string[] = [];
  const known: string[] = [];
  for (const { name, address } of nodesOf(fabric)) {
    const [root, host] = [newKey(), newKey()];
    write(name, "/root/.ssh/id_rsa", root.pem, 0o600);
    write(name, "/etc/ssh/ssh_host_rsa_key", host.pem, 0o600);
    authorized.push(`${root.line} root@${name}\n`);
    known.push(...[name, address].map((each) => `${each} ${host.line}\n`));
    if (knownHosts === "node")
      write("pve", `${clusterStore}/nodes/${name}/ssh_known_hosts`, `${name} ${host.line}\n`);
    link(layers, name, "/root/.ssh/authorized_keys", "/etc/pve/priv/authorized_keys");
    if (knownHosts === "cluster") link(layers, name, "/etc/ssh/ssh_known_hosts", "/etc/pve/priv/known_hosts");
  }
  write("pve", `${clusterStore}/priv/authorized_keys`, authorized.join(""));
  write("pve", `${clusterStore}/priv/known_hosts`, known.join(""));
}

function link({ path }: Layers, machine: string, from: string, to: string): void {
  mkdirSync(dirname(path(machine, from)), { recursive: true });
  symlinkSync(to, path(machine, from));
}

function newKey(): { readonly pem: string; readonly line: string } {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  return { pem, line: `ssh-rsa ${sshBlob(createPublicKey(privateKey)).toString("base64")}` };
}

/** A public key as OpenSSH writes it (RFC 4253, section 6.6). */
function sshBlob(key: KeyObject): Buffer {
  const { e = "", n = "" } = key.export({ format: "jwk" });
  // A leading zero keeps the number positive.
  const number = (text: string): Buffer => {
    const bytes = Buffer.from(text, "base64url");
    return (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  };
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat([Buffer.from("ssh-rsa"), number(e), number(n)].map(field));
}
