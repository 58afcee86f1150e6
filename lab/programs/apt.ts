/** apt-get and dpkg-query: installing a package brings its unit, enabled and started, as on Debian. */

import { writeDistributionFiles } from "../distribution.ts";
import { isNode } from "../nodes.ts";
import { done, failed, type Program } from "../parts.ts";
import { startUnit } from "../unit-control.ts";
import { isInstalled, setUnit } from "../units.ts";

/** Packages that bring a unit, and its name. */
const unitOfPackage: Readonly<Record<string, string>> = {
  dnsmasq: "dnsmasq",
  nginx: "nginx",
  keepalived: "keepalived",
  "docker.io": "docker",
  "docker-ce": "docker",
  unbound: "unbound",
  cockpit: "cockpit",
  bind9: "named",
  "systemd-resolved": "systemd-resolved",
};

/** Installed wherever their host is. */
const always = ["ca-certificates", "openssl", "systemd", "coreutils", "curl", "bash", "iproute2"];

/** On each node, with their versions. */
const proxmoxPackages: Readonly<Record<string, string>> = { "pve-manager": "9.0.3", "pve-firewall": "6.0.3" };

export const aptGet: Program = async ({ context, host, args }) => {
  const [verb, ...packages] = args.filter((arg) => !arg.startsWith("-"));
  if (verb === "update") return done("Reading package lists... Done\n");
  if (verb !== "install") return failed(100, `E: Invalid operation ${verb ?? ""}`);
  const head =
    "Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n";
  for (const name of packages) {
    const unit = unitOfPackage[name];
    if (always.includes(name) || unit === undefined) {
      if (!always.includes(name)) return failed(100, `E: Unable to locate package ${name}`, head);
      continue;
    }
    if (isInstalled(context, host, unit)) continue;
    writeDistributionFiles(context, host, unit);
    setUnit(context, host, unit, { enabled: true });
    await startUnit(context, host, unit);
  }
  return done(`${head}${packages.map((name) => `Setting up ${name} ...\n`).join("")}`);
};

export const dpkgQuery: Program = ({ context, host, args }) => {
  const names = args.filter((arg) => !arg.startsWith("-"));
  const proxmox = isNode(host) ? proxmoxPackages : {};
  const isThere = (name: string): boolean => {
    if (Object.hasOwn(proxmox, name)) return true;
    const unit = unitOfPackage[name];
    return always.includes(name) || (unit !== undefined && isInstalled(context, host, unit));
  };
  const absent = names.filter((name) => !isThere(name));
  const format = args.find((arg) => /^(-f|--showformat)/.test(arg)) ?? "";
  const stdout = names
    .filter(isThere)
    .map((name) => (format.includes("Status") ? "install ok installed" : `${name}\t${proxmox[name] ?? 1}\n`))
    .join("");
  const stderr = absent.map((name) => `dpkg-query: no packages found matching ${name}\n`).join("");
  return { exitCode: absent.length === 0 ? 0 : 1, stdout, stderr };
};
