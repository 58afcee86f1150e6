/** The programs of lab hosts, and which host has which. */
import type { HostName } from "../../src/resource.ts";
import { isNode } from "../nodes.ts";
import type { Lab, Program } from "../parts.ts";
import { isInstalled } from "../units.ts";
import { aptGet, dpkgQuery } from "./apt.ts";
import { basics } from "./basics.ts";
import { updateCaCertificates } from "./ca-certificates.ts";
import { coreutils } from "./coreutils.ts";
import { dnsmasq } from "./dnsmasq.ts";
import { fileQueries } from "./file-queries.ts";
import { ip } from "./ip.ts";
import { hypervisorPrograms, machinePrograms } from "./machine.ts";
import { nginx } from "./nginx.ts";
import { pct } from "./pct.ts";
import { pveversion } from "./proxmox.ts";
import { pveFirewall } from "./pve-firewall.ts";
import { pvecm } from "./pvecm.ts";
import { pvesh } from "./pvesh.ts";
import { qm } from "./qm.ts";
import { sendmail } from "./sendmail.ts";
import { shell } from "./shell.ts";
import { ss } from "./ss.ts";
import { ssh } from "./ssh.ts";
import { systemctl } from "./systemctl.ts";
import { systemdRun } from "./systemd-run.ts";

/** On every host. */
const everywhere: Readonly<Record<string, Program>> = {
  ...basics,
  ...coreutils,
  ...fileQueries,
  ...machinePrograms,
  sh: shell,
  bash: shell,
  dash: shell,
  systemctl,
  ss,
  ip,
  "systemd-run": systemdRun,
  "apt-get": aptGet,
  "dpkg-query": dpkgQuery,
  "update-ca-certificates": updateCaCertificates,
};

const onHypervisor: Readonly<Record<string, Program>> = {
  ...hypervisorPrograms,
  pct,
  qm,
  pvecm,
  pvesh,
  pveversion,
  "pve-firewall": pveFirewall,
  sendmail,
  ssh,
};

/** Where their unit is installed. */
const withUnit: Readonly<Record<string, Program>> = {
  dnsmasq,
  nginx,
  docker: async (call) => (await import("./docker.ts")).docker(call),
};

const directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The program that a host runs for a name or a path; undefined when it has none. */
export function programOn(lab: Lab, host: HostName, wanted: string): Program | undefined {
  const slash = wanted.lastIndexOf("/");
  if (slash >= 0 && !directories.includes(wanted.slice(0, slash))) return undefined;
  const name = wanted.slice(slash + 1);
  if (isNode(host) && Object.hasOwn(onHypervisor, name)) return onHypervisor[name];
  if (Object.hasOwn(withUnit, name)) return isInstalled(lab, host, name) ? withUnit[name] : undefined;
  return Object.hasOwn(everywhere, name) ? everywhere[name] : undefined;
}
