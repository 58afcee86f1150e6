/** ip of iproute2 (6.15) as far as it shows addresses: `ip -j addr`, `ip -j -4 addr show`, `ip -o -4 addr`. */
import type { HostName } from "../../src/resource.ts";
import { configOf } from "../cluster.ts";
import { isNode, type NodeHost } from "../nodes.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { addressOf } from "./basics.ts";

interface Link {
  readonly name: string;
  readonly addresses: readonly { readonly address: string; readonly prefix: number }[];
}

export const ip: Program = async ({ context, host, args }) => {
  const [object = "", verb = "show"] = args.filter((arg) => !arg.startsWith("-"));
  if (!/^a(d(d(r(e(ss?)?)?)?)?)?$/.test(object) || !/^(sh(ow?)?|l(i(st?)?)?)$/.test(verb))
    return failed(255, `Object "${object}" is unknown, try "ip help".`);
  const { sharedOn } = await import("../keepalived/pair.ts");
  const shared = await sharedOn(context, host);
  const prefix = Number(context.facts.network.split("/")[1]);
  const links = linksOf(context, host).map(({ name, addresses }) =>
    name === "lo"
      ? { name, addresses }
      : { name, addresses: [...addresses, ...shared.map((address) => ({ address, prefix }))] },
  );
  if (args.some((arg) => /^-j(son)?$/.test(arg))) return done(`${JSON.stringify(links.map(addressJson))}\n`);
  const lines = links.flatMap(({ name, addresses }, at) =>
    addresses.map(
      ({ address, prefix }) => `${at + 1}: ${name}    inet ${address}/${prefix} scope global ${name}\n`,
    ),
  );
  return done(lines.join(""));
};

function addressJson({ name, addresses }: Link, at: number): Readonly<Record<string, unknown>> {
  const scope = name === "lo" ? "host" : "global";
  return {
    ifindex: at + 1,
    ifname: name,
    flags: name === "lo" ? ["LOOPBACK", "UP", "LOWER_UP"] : ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    mtu: name === "lo" ? 65536 : 1500,
    operstate: name === "lo" ? "UNKNOWN" : "UP",
    link_type: name === "lo" ? "loopback" : "ether",
    addr_info: addresses.map(({ address, prefix }) => ({
      family: "inet",
      local: address,
      prefixlen: prefix,
      scope,
      label: name,
    })),
  };
}

/** The answer of the guest agent's `guest-network-get-interfaces`. */
export function agentInterfaces(lab: Lab, host: HostName): readonly Readonly<Record<string, unknown>>[] {
  return linksOf(lab, host).map(({ name, addresses }) => ({
    name,
    "hardware-address": name === "lo" ? "00:00:00:00:00:00" : macOf(lab, host),
    "ip-addresses": addresses.map(({ address, prefix }) => ({
      "ip-address": address,
      "ip-address-type": "ipv4",
      prefix,
    })),
  }));
}

/** The one of the first interface. */
function macOf(lab: Lab, host: HostName): string {
  const guest = lab.facts.guests.find((each) => each.host === host);
  const text = guest === undefined ? "" : (lab.files.text("pve", configOf(lab, guest)) ?? "");
  return /^net0: \w+=((?:[\dA-F]{2}:){5}[\dA-F]{2})/m.exec(text)?.[1]?.toLowerCase() ?? "";
}

function linksOf(lab: Lab, host: HostName): readonly Link[] {
  const loopback = { name: "lo", addresses: [{ address: "127.0.0.1", prefix: 8 }] };
  if (isNode(host)) return [loopback, ...bridgesOf(lab, host)];
  const address = addressOf(lab, host);
  const prefix = Number(lab.facts.network.split("/")[1]);
  const name = host.startsWith("vm/") ? "ens18" : "eth0";
  return [loopback, { name, addresses: address === "" ? [] : [{ address, prefix }] }];
}

/** Interfaces of ifupdown2's file with what is written there; the main bridge keeps its address, whatever happens to the file. */
function bridgesOf(lab: Lab, host: NodeHost): readonly Link[] {
  const { files, facts } = lab;
  const { bridge, network } = facts;
  const main = {
    name: bridge,
    addresses: [{ address: addressOf(lab, host), prefix: Number(network.split("/")[1]) }],
  };
  const path = "/etc/network/interfaces";
  const text = files.status(host, path)?.kind === "file" ? (files.text(host, path) ?? "") : "";
  const others = text
    .split(/^iface /m)
    .slice(1)
    .flatMap((stanza) => {
      const name = stanza.split(/\s/, 1)[0] ?? "";
      const found = [...stanza.matchAll(/^\s+address ([\d.]+)\/(\d+)$/gm)];
      const addresses = found.map(([, address = "", prefix]) => ({ address, prefix: Number(prefix) }));
      return name === "lo" || name === bridge ? [] : [{ name, addresses }];
    });
  return [main, ...others];
}
