/** The hypervisor's interfaces and names: /etc/network/interfaces (ifupdown2 3.3), /etc/resolv.conf, /etc/hosts. */
import { defined } from "../../defined.ts";
import { parseHostsFile } from "../../formats/dnsmasq/index.ts";
import { objectsOf, parseJson } from "../../formats/json/index.ts";
import type { FoundDomain, FoundInterface, FoundNetwork, ReadIo, Source } from "../found.ts";
import { entriesOn, filesOn, outputOn } from "./files.ts";
import { addressOf } from "./guests.ts";

const main = "/etc/network/interfaces";

export async function readNetwork(io: ReadIo): Promise<FoundNetwork> {
  const more = (await entriesOn(io, "pve", `${main}.d`)).filter(
    (path) => !/\.(?:bak|dpkg-\w+)$|~$/.test(path),
  );
  const files = await filesOn(io, "pve", [main, ...more, "/etc/resolv.conf", "/etc/hosts", "/etc/hostname"]);
  const written = [main, ...more].flatMap((path) => interfacesIn(path, files.get(path)?.text ?? ""));
  // Addresses that DHCP gave, or that other programs than ifupdown set, are the kernel's alone.
  const interfaces = written.some(({ address }) => address !== undefined) ? written : await interfacesNow(io);
  const resolv = files.get("/etc/resolv.conf")?.text ?? "";
  const hostname = files.get("/etc/hostname")?.text.trim() ?? "";
  return {
    interfaces,
    domains: [...domainsInHosts(files.get("/etc/hosts")?.text ?? "", hostname), ...searchDomains(resolv)],
  };
}

/** The interfaces that have an IPv4 address now (iproute2 6.15). */
async function interfacesNow(io: ReadIo): Promise<readonly FoundInterface[]> {
  const argv = ["ip", "-j", "-4", "addr", "show"];
  const source: Source = { host: "pve", path: argv.join(" ") };
  return objectsOf(parseJson((await outputOn(io, "pve", argv)) ?? "")).flatMap((link) => {
    const [first] = objectsOf(link.addr_info).filter(({ scope }) => scope === "global");
    const address = addressOf(`${String(first?.local)}/${String(first?.prefixlen)}`, source);
    if (address === undefined) return [];
    const name = String(link.ifname);
    return [{ name, isBridge: name.startsWith("vmbr"), isDynamic: true, address, source }];
  });
}

/** A stanza at a time: `iface NAME inet METHOD` and the options below it. */
function interfacesIn(path: string, text: string): readonly FoundInterface[] {
  const found: {
    name: string;
    method: string;
    options: Map<string, { value: string; line: number }>;
    line: number;
  }[] = [];
  let current: (typeof found)[number] | undefined;
  for (const [at, row] of text.split("\n").entries()) {
    const [word = "", ...rest] = row
      .replace(/^\s*#.*/, "")
      .trim()
      .split(/\s+/);
    if (word === "iface") {
      const [name = "", family = "inet", method = ""] = rest;
      current = family === "inet" ? { name, method, options: new Map(), line: at + 1 } : undefined;
      if (current !== undefined) found.push(current);
    } else if (/^(?:auto|allow-\w+|source|source-directory|mapping)$/.test(word)) current = undefined;
    else if (word !== "") current?.options.set(word, { value: rest.join(" "), line: at + 1 });
  }
  return found.map(({ name, method, options, line }) => {
    const source: Source = { host: "pve", path, line };
    const address = options.get("address");
    const netmask = options.get("netmask")?.value;
    const written =
      address?.value.includes("/") === true ? address.value : `${address?.value}/${prefixOf(netmask)}`;
    return {
      name,
      isBridge: options.has("bridge-ports") || options.has("bridge_ports"),
      isDynamic: method === "dhcp",
      ...defined({
        address: address && addressOf(written, { ...source, line: address.line }),
        gateway: options.get("gateway")?.value,
      }),
      source,
    };
  });
}

/** "255.255.255.0" → 24; ifupdown takes the number itself as well. */
function prefixOf(netmask: string | undefined): number | undefined {
  if (netmask === undefined) return undefined;
  if (/^\d+$/.test(netmask)) return Number(netmask);
  const bits = netmask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.replace(/0+$/, "").length : undefined;
}

/** The domain of the hypervisor's own full name. */
function domainsInHosts(text: string, hostname: string): readonly FoundDomain[] {
  return text.split("\n").flatMap((row, at): FoundDomain[] => {
    const own = parseHostsFile(row).find(({ name }) => hostname !== "" && name.startsWith(`${hostname}.`));
    if (own === undefined) return [];
    const name = own.name.slice(hostname.length + 1).toLowerCase();
    return [{ name, source: { host: "pve", path: "/etc/hosts", line: at + 1 } }];
  });
}

function searchDomains(text: string): readonly FoundDomain[] {
  return ["search", "domain"].flatMap((key) =>
    wordsOf(text, key).map(({ word, line }) => ({
      name: word.toLowerCase().replace(/\.$/, ""),
      source: { host: "pve" as const, path: "/etc/resolv.conf", line },
    })),
  );
}

/** The words behind a keyword of resolv.conf. */
function wordsOf(text: string, key: string): readonly { readonly word: string; readonly line: number }[] {
  return text.split("\n").flatMap((row, at) => {
    const [first, ...words] = row.trim().split(/\s+/);
    return first === key ? words.map((word) => ({ word, line: at + 1 })) : [];
  });
}
