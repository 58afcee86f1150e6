/** Directories that machines share, and the room on their disks. */
import { native } from "../fabric/guest-paths.ts";
import { nodesOf } from "../fabric/nodes.ts";
import { addressRange, contains } from "../formats/ipv4/index.ts";
import { quoted } from "../formats/shell/quote.ts";
import { unitCommands } from "../formats/systemd/index.ts";
import type { CommandResult } from "../hosts/host.ts";
import type { Guest, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { runnableGuests } from "./hypervisor-facts.ts";
import {
  asked,
  type Finding,
  guestGates,
  hypervisorIf,
  installing,
  inTurn,
  line,
  nodesWith,
  type Prerequisite,
  prerequisite,
  type Subject,
} from "./prerequisite.ts";
import { judgeUnit } from "./services.ts";

/** A directory that the hypervisor is to export, and to whom. */
interface WantedExport {
  readonly guest: Guest;
  readonly address: string;
  readonly path: string;
}

/** The shares whose server is the hypervisor. */
function wantedExports(site: Site): readonly WantedExport[] {
  return site.guests.flatMap((guest) => {
    const { template, address, shares } = guest;
    if (template || address === undefined) return [];
    const own = shares.filter(({ server }) => server === site.hypervisor.address);
    return own.map(({ path }) => ({ guest, address, path: native(path, site.hypervisor) }));
  });
}

interface Export {
  readonly path: string;
  readonly client: string;
  readonly options: readonly string[];
}

/** What `exportfs -v` lists (nfs-utils 2.6): a long path has its client on the next line; everybody is `<world>`. */
export function parseExports(text: string): readonly Export[] {
  return [...text.matchAll(/^(\/\S*)\s+([^\s(]+)\(([^)]*)\)/gm)].map(
    ([, path = "", client = "", options = ""]) => ({
      path: path.replace(/(.)\/$/, "$1"),
      client: client === "<world>" ? "*" : client,
      options: options.split(","),
    }),
  );
}

/** Whether an export's client is the one with this address. A name may be it: nobody is accused without proof. */
function isClient(client: string, address: string): boolean {
  const [range, wanted] = [addressRange(client.replace(/\/255\.255\.255\.0$/, "/24")), addressRange(address)];
  if (range === undefined || wanted === undefined) return !/^[\d./]+$/.test(client);
  return contains(range, wanted);
}

export interface ExportsAnswer {
  readonly live: CommandResult;
  /** /etc/exports, which counts once it was read by `exportfs -ra`. */
  readonly declared: string;
}

export function judgeExports(
  { live, declared }: ExportsAnswer,
  { site }: Pick<Subject, "site">,
): readonly Finding[] {
  const wanted = wantedExports(site);
  if (live.exitCode === 127) {
    const fix = { argv: installing("nfs-kernel-server") };
    return [
      { message: "no NFS server is installed, and virtual machines get their directories by NFS", fix },
    ];
  }
  const exports = parseExports(live.stdout).map((each) => ({
    ...each,
    path: native(each.path, site.hypervisor),
  }));
  const to = ({ address, path }: WantedExport): readonly Export[] =>
    exports.filter(
      (each) => `${path}/`.startsWith(`${each.path.replace(/\/$/, "")}/`) && isClient(each.client, address),
    );
  const missing = wanted.filter((each) => to(each).length === 0);
  const readOnly = wanted.filter(
    (each) => to(each).length > 0 && to(each).every(({ options }) => !options.includes("rw")),
  );
  return [
    ...exportFinding(missing, "is not exported to", declared),
    ...exportFinding(readOnly, "is exported read-only to", ""),
  ];
}

function exportFinding(wanted: readonly WantedExport[], what: string, declared: string): readonly Finding[] {
  if (wanted.length === 0) return [];
  const message = wanted
    .map(({ path, address, guest }) => `${path} ${what} ${address} (${guest.name})`)
    .join(", ");
  const isWritten = ({ path, address }: WantedExport): boolean =>
    declared.split("\n").some((each) => {
      const [exported = "", ...clients] = each.replace(/#.*/, "").trim().split(/\s+/);
      return (
        exported.startsWith("/") &&
        `${path}/`.startsWith(`${exported.replace(/\/$/, "")}/`) &&
        clients.some((client) => isClient(client.replace(/\(.*/, ""), address))
      );
    });
  if (wanted.every(isWritten))
    return [
      {
        message: `${message}, although /etc/exports says so`,
        fix: { argv: ["exportfs", "-ra"], isSafe: true },
      },
    ];
  const lines = wanted.map(
    ({ path, address }) => `${path} ${address}(rw,sync,no_subtree_check,no_root_squash)`,
  );
  const append = `printf '%s\\n' ${lines.map(quoted).join(" ")} >>/etc/exports && exportfs -ra`;
  return [{ message, fix: { argv: line(append) } }];
}

/** What is mounted where, as `findmnt -rn -o TARGET,SOURCE,FSTYPE` lists it (util-linux 2.38). */
export function parseMounts(
  text: string,
): ReadonlyMap<string, { readonly source: string; readonly type: string }> {
  return new Map(
    text.split("\n").flatMap((each) => {
      const [target = "", source = "", type = ""] = each.split(" ").map(unescaped);
      return target === "" ? [] : [[target, { source, type }] as const];
    }),
  );
}

/** Raw output writes a space as \x20. */
function unescaped(word: string): string {
  return word.replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

export interface MountsAnswer {
  readonly mounts: string;
  readonly fstab: string;
}

/** Each share of the guest is mounted; a mount of another kind than NFS (virtiofs, a disk) is its owner's choice. */
export function judgeShares(
  { mounts, fstab }: MountsAnswer,
  guest: Pick<Guest, "shares">,
): readonly Finding[] {
  const mounted = parseMounts(mounts);
  return guest.shares.flatMap(({ server, path, mountPoint }): readonly Finding[] => {
    const found = mounted.get(mountPoint.replace(/(.)\/$/, "$1"));
    const source = `${server}:${path}`;
    if (found?.type.startsWith("nfs")) {
      if (found.source.replace(/\/$/, "") === source.replace(/\/$/, "")) return [];
      return [
        {
          message: `${mountPoint} is ${found.source}, and ${source} in the site`,
          hint: "correct /etc/fstab, then mount it anew",
        },
      ];
    }
    if (found !== undefined) return [];
    const isWritten = fstab
      .split("\n")
      .some((each) => !each.startsWith("#") && each.split(/\s+/)[1] === mountPoint);
    const message = `${source} is not mounted on ${mountPoint}`;
    if (isWritten)
      return [
        {
          message: `${message}, although /etc/fstab says so`,
          fix: { argv: ["mount", mountPoint], isSafe: true },
        },
      ];
    const entry = `${source} ${mountPoint} nfs defaults,_netdev 0 0`;
    const steps = [
      `mkdir -p ${quoted(mountPoint)}`,
      `echo ${quoted(entry)} >>/etc/fstab`,
      `mount ${quoted(mountPoint)}`,
    ];
    return [{ message, fix: { argv: line(steps.join(" && ")) } }];
  });
}

/** Less than this is too little, in mebibytes: a sync writes little, images are large. */
const leastRoom = { system: 256, docker: 1024 } as const;
const dockerDirectory = "/var/lib/docker";

/** @param df of `df -P -k PATH…`, which complains about paths that are not there and lists the others */
export function judgeRoom(df: string): readonly Finding[] {
  const seen = new Set<string>();
  return df.split("\n").flatMap((each): readonly Finding[] => {
    const [, , , , available, , target] =
      /^(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+%|-)\s+(\/.*)$/.exec(each) ?? [];
    if (available === undefined || target === undefined || seen.has(target)) return [];
    seen.add(target);
    const room = Math.floor(Number(available) / 1024);
    const isDocker = target === dockerDirectory;
    const least = isDocker ? leastRoom.docker : leastRoom.system;
    if (room >= least) return [];
    const tidy = isDocker
      ? ["docker", "image", "prune", "--all", "--force"]
      : inTurn(["apt-get", "clean"], ["journalctl", "--vacuum-size=100M"]);
    return [{ message: `${target} has ${room} MiB left, and ${least} MiB are needed`, fix: { argv: tidy } }];
  });
}

const withShares = ({ guests }: Site): readonly HostName[] =>
  guests.filter(({ template, shares }) => !template && shares.length > 0).map(({ host }) => host);
const servesNfs = hypervisorIf((site) => wantedExports(site).length > 0);

export const storageRows: readonly Prerequisite[] = [
  prerequisite<ExportsAnswer>({
    id: "nfs-exports",
    parts: ["portainer", "stacks"],
    where: "the hypervisor",
    must: "directories of virtual machines are exported to them by NFS, for reading and writing",
    asked: "`exportfs -v`, `/etc/exports`",
    remedy: "`exportfs -ra`, or add the line to `/etc/exports` first",
    isSafe: "sometimes",
    after: ["nfs-server"],
    machines: servesNfs,
    ask: async ({ host }) => {
      const [live, files] = await Promise.all([
        asked(host, "exportfs", "-v"),
        host.readFiles(["/etc/exports"]),
      ]);
      return { live, declared: files.get("/etc/exports")?.text ?? "" };
    },
    judge: judgeExports,
  }),
  prerequisite({
    id: "nfs-server",
    parts: ["portainer", "stacks"],
    where: "the hypervisor",
    must: "the NFS server runs, and starts at boot",
    asked: "`systemctl show nfs-server`",
    remedy: "`systemctl enable --now nfs-server`",
    isSafe: true,
    machines: servesNfs,
    ask: ({ host }) => host.run(unitCommands("nfs-server").show),
    judge: ({ stdout }) => judgeUnit(stdout, "nfs-server"),
  }),
  prerequisite<MountsAnswer>({
    id: "shares-mounted",
    parts: ["portainer", "stacks"],
    where: "each virtual machine with NFS volumes",
    must: "the volumes are mounted where the site says",
    asked: "`findmnt -rn -o TARGET,SOURCE,FSTYPE`, `/etc/fstab`",
    remedy: "`mount PATH`, or add the line to `/etc/fstab` first",
    isSafe: "sometimes",
    after: guestGates,
    machines: withShares,
    ask: async ({ host }) => {
      const [{ stdout }, files] = await Promise.all([
        asked(host, "findmnt", "-rn", "-o", "TARGET,SOURCE,FSTYPE"),
        host.readFiles(["/etc/fstab"]),
      ]);
      return { mounts: stdout, fstab: files.get("/etc/fstab")?.text ?? "" };
    },
    judge: (answer, { guest }) => (guest === undefined ? [] : judgeShares(answer, guest)),
  }),
  prerequisite({
    id: "disk-space",
    parts: [],
    where: "every machine",
    must: `${leastRoom.system} MiB are free on the file systems of / and /var, ${leastRoom.docker} MiB on one for Docker alone`,
    asked: `\`df -P -k / /var ${dockerDirectory}\``,
    remedy: "`apt-get clean`, `journalctl --vacuum-size=100M`, `docker image prune`",
    after: guestGates,
    machines: (site) => [...nodesWith(nodesOf)(site), ...runnableGuests(site)],
    ask: ({ host }) => asked(host, "df", "-P", "-k", "/", "/var", dockerDirectory),
    judge: ({ stdout }) => judgeRoom(stdout),
  }),
];
