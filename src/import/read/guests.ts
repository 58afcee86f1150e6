/** The guests of every node, from Proxmox's own files: /etc/pve/nodes/NODE/{lxc,qemu-server}/ID.conf (qemu-server 9.0, pve-container 6.1). */
import { defined } from "../../defined.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import { objectsOf, parseJson } from "../../formats/json/index.ts";
import type { GuestName } from "../../resource.ts";
import type {
  FoundAddress,
  FoundGuest,
  FoundMount,
  FoundNic,
  FoundVolumeMount,
  ReadIo,
  Source,
} from "../found.ts";
import { entriesOn, filesOn, outputOn } from "./files.ts";

const nodesDirectory = "/etc/pve/nodes";
const kinds = [
  { kind: "lxc", directory: "lxc" },
  { kind: "vm", directory: "qemu-server" },
] as const;

/** All guests, containers first, by id. */
export async function readGuests(io: ReadIo): Promise<readonly FoundGuest[]> {
  const [nodes, running] = await Promise.all([entriesOn(io, "pve", nodesDirectory), runningGuests(io)]);
  const directories = nodes.flatMap((node) =>
    kinds.map(({ kind, directory }) => ({
      kind,
      node: node.slice(nodesDirectory.length + 1),
      directory: `${node}/${directory}`,
    })),
  );
  const found = await Promise.all(
    directories.map(async ({ kind, node, directory }) => {
      const paths = (await entriesOn(io, "pve", directory)).filter((path) =>
        /\/[1-9]\d{2,8}\.conf$/.test(path),
      );
      const files = await filesOn(io, "pve", paths);
      return [...files].map(([path, { text }]) => guestOf(kind, node, path, text, running));
    }),
  );
  const guests = await Promise.all(found.flat().map((guest) => withOwnAddress(io, guest)));
  return guests.sort((a, b) => (a.kind === b.kind ? a.id - b.id : a.kind === "lxc" ? -1 : 1));
}

/** A virtual machine whose addresses are configured inside it is asked for them, through its agent (qemu-server 9.0). */
async function withOwnAddress(io: ReadIo, guest: FoundGuest): Promise<FoundGuest> {
  if (guest.kind !== "vm" || !guest.isRunning || guest.nics.every(({ ip }) => ip !== undefined)) return guest;
  const argv = ["qm", "guest", "cmd", String(guest.id), "network-get-interfaces"];
  const text = await outputOn(io, "pve", argv, true);
  if (text === undefined) return guest;
  const source: Source = { host: "pve", path: argv.join(" ") };
  const byMac = new Map(
    objectsOf(parseJson(text)).map((link) => [
      String(link["hardware-address"]).toUpperCase(),
      objectsOf(link["ip-addresses"])
        .map((each) => addressOf(`${String(each["ip-address"])}/${String(each.prefix)}`, source))
        .filter((each) => each !== undefined)
        .map((each) => ({ ...each, isReported: true as const })),
    ]),
  );
  const nics = guest.nics.map((nic): FoundNic => {
    const [address, second] = byMac.get(nic.mac ?? "") ?? [];
    // Of several addresses none is the machine's for certain.
    return nic.ip !== undefined || address === undefined || second !== undefined
      ? nic
      : { ...nic, ip: address };
  });
  return { ...guest, nics };
}

/** Ids of the guests that run, on any node; undefined when Proxmox does not say: then each is asked. */
async function runningGuests(io: ReadIo): Promise<ReadonlySet<number> | undefined> {
  const argv = ["pvesh", "get", "/cluster/resources", "--type", "vm", "--output-format", "json"];
  const text = await outputOn(io, "pve", argv);
  if (text === undefined) return undefined;
  return new Set(
    objectsOf(parseJson(text))
      .filter(({ status }) => status === "running")
      .map(({ vmid }) => Number(vmid)),
  );
}

/** A line of the configuration in force. */
interface ConfigLine {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** The lines before the first section: snapshots and changes that wait for a restart stand in sections behind them. */
export function configLines(text: string): readonly ConfigLine[] {
  const lines: ConfigLine[] = [];
  for (const [at, row] of text.split("\n").entries()) {
    if (row.startsWith("[")) break;
    const [, key, value] = /^([A-Za-z][\w.-]*)\s*:\s*(.*?)\s*$/.exec(row) ?? [];
    if (key !== undefined && value !== undefined) lines.push({ key, value, line: at + 1 });
  }
  return lines;
}

/** "name=eth0,bridge=vmbr0,firewall=1" → its options; a first word without "=" is called `first`. */
export function optionsOf(value: string, first: string): ReadonlyMap<string, string> {
  return new Map(
    value.split(",").map((part, at) => {
      const equals = part.indexOf("=");
      if (equals >= 0) return [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
      return [at === 0 ? first : part.trim(), part.trim()];
    }),
  );
}

function guestOf(
  kind: FoundGuest["kind"],
  node: string,
  path: string,
  text: string,
  running: ReadonlySet<number> | undefined,
): FoundGuest {
  const lines = configLines(text);
  const id = Number(/(\d+)\.conf$/.exec(path)?.[1]);
  const host: GuestName = `${kind}/${id}`;
  const setting = (key: string): string | undefined => lines.find((line) => line.key === key)?.value;
  const at = ({ line }: ConfigLine): Source => ({ host: "pve", path, line });
  const named = lines.find(({ key }) => key === (kind === "lxc" ? "hostname" : "name"));
  const isTemplate = setting("template") === "1";
  return {
    host,
    kind,
    id,
    // Proxmox's own defaults for a guest without a name.
    name: named?.value ?? (kind === "lxc" ? `CT${id}` : `VM ${id}`),
    node,
    isTemplate,
    isRunning: !isTemplate && (running?.has(id) ?? true),
    startsAtBoot: setting("onboot") === "1",
    nics: lines.filter(({ key }) => /^net\d+$/.test(key)).map((line) => nicOf(kind, line, lines, at)),
    mounts: kind === "lxc" ? lines.flatMap((line) => mountOf(line, at)) : [],
    volumes: kind === "lxc" ? lines.flatMap((line) => volumeOf(line, at)) : [],
    hasNotes: /^#/m.test(text.split(/^\[/m)[0] ?? ""),
    tags: (setting("tags") ?? "").split(/[;, ]+/).filter((tag) => tag !== ""),
    source: named === undefined ? { host: "pve", path } : at(named),
  };
}

function nicOf(
  kind: FoundGuest["kind"],
  line: ConfigLine,
  lines: readonly ConfigLine[],
  at: (line: ConfigLine) => Source,
): FoundNic {
  const options = optionsOf(line.value, "model");
  // A virtual machine's address is cloud-init's: ipconfig0 belongs to net0.
  const ipLine = kind === "lxc" ? line : lines.find(({ key }) => key === line.key.replace("net", "ipconfig"));
  const network = ipLine === undefined ? undefined : optionsOf(ipLine.value, "ip");
  const vlan = Number(options.get("tag"));
  return {
    key: line.key,
    isFiltered: options.get("firewall") === "1",
    ...defined({
      bridge: options.get("bridge"),
      vlan: Number.isInteger(vlan) && vlan > 0 ? vlan : undefined,
      mac: macOf(options),
      ip: ipLine === undefined ? undefined : ipOf(network?.get("ip"), at(ipLine)),
      written: network?.get("ip") ?? network?.get("ip6"),
      gateway: network?.get("gw"),
    }),
    source: at(line),
  };
}

function macOf(options: ReadonlyMap<string, string>): string | undefined {
  // A container says hwaddr=MAC, a virtual machine virtio=MAC.
  return [...options.values()]
    .find((value) => /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value))
    ?.toUpperCase();
}

function ipOf(text: string | undefined, source: Source): FoundNic["ip"] {
  if (text === "dhcp") return "dhcp";
  return addressOf(text, source);
}

/** "10.0.0.12/24". */
export function addressOf(text: string | undefined, source: Source): FoundAddress | undefined {
  const [, address = "", prefix] = /^([\d.]+)\/(\d{1,2})$/.exec(text ?? "") ?? [];
  return addressNumber(address) === undefined ? undefined : { address, prefix: Number(prefix), source };
}

/** A mount point of a directory of the hypervisor: its volume is an absolute path. */
function mountOf(line: ConfigLine, at: (line: ConfigLine) => Source): readonly FoundMount[] {
  return mountPoint(line, at)
    .filter(({ volume }) => volume.startsWith("/"))
    .map(({ volume, ...rest }) => ({ hostPath: volume, ...rest }));
}

/** One of Proxmox's storage. */
function volumeOf(line: ConfigLine, at: (line: ConfigLine) => Source): readonly FoundVolumeMount[] {
  return mountPoint(line, at).filter(({ volume }) => !volume.startsWith("/"));
}

function mountPoint(line: ConfigLine, at: (line: ConfigLine) => Source): readonly FoundVolumeMount[] {
  if (!/^mp\d+$/.test(line.key)) return [];
  const options = optionsOf(line.value, "volume");
  const [volume, guestPath] = [options.get("volume"), options.get("mp")];
  return volume === undefined || guestPath === undefined ? [] : [{ volume, guestPath, source: at(line) }];
}
