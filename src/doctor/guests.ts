/** What must be so of each guest, as the hypervisor has it: its identity, its configuration, and whether it can be asked. */
import { filtered, openInterfaces } from "../components/firewall/interfaces.ts";
import { otherName } from "../components/foreign/guests.ts";
import { adviceOn, isUnavailable, messageOf } from "../errors.ts";
import { filteredGuests } from "../fabric/firewall.ts";
import { native } from "../fabric/guest-paths.ts";
import { describeHost } from "../fabric/guests.ts";
import type { Guest, Hypervisor, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { type GuestFacts, runnableGuests, virtualMachines } from "./hypervisor-facts.ts";
import {
  asked,
  type Finding,
  inTurn,
  type Prerequisite,
  prerequisite,
  type Subject,
} from "./prerequisite.ts";
import { setting, toolOf } from "./settings.ts";

export function judgeExistence(facts: GuestFacts | undefined, guest: Guest): readonly Finding[] {
  const what = guest.kind === "lxc" ? "container" : "virtual machine";
  if (facts === undefined)
    return [
      {
        message: `there is no ${what} ${guest.id} on the hypervisor`,
        hint: `create it, or correct the id in ${guest.from.file}:${guest.from.line}`,
      },
    ];
  if (facts.kind !== guest.kind) {
    const found = facts.kind === "lxc" ? "a container" : "a virtual machine";
    const message = `${guest.id} is ${found} on the hypervisor, and a ${what} in the site`;
    return [{ message, hint: `correct the id in ${guest.from.file}:${guest.from.line}` }];
  }
  if (!facts.isTemplate) return [];
  return [
    {
      message: `${guest.id} is a template on the hypervisor, and cannot run`,
      hint: `clone it, or say "is_template": true in ${guest.from.file}:${guest.from.line}`,
    },
  ];
}

export function judgeName(config: string, guest: Guest): readonly Finding[] {
  const found = otherName(config, guest.name);
  if (found === undefined) return [];
  const message = `it is "${found.name}" on the hypervisor and "${guest.name}" in the site (${guest.from.file}:${guest.from.line})`;
  const key = guest.kind === "lxc" ? "hostname" : "name";
  return [{ message, ...setting(guest, { key, live: found.name, edit: () => guest.name }) }];
}

/** The address that Proxmox gives the guest: of the container's own interface, or by cloud-init where that is used. */
export function judgeAddress(
  config: string,
  guest: Guest,
  { prefix }: Pick<Hypervisor, "prefix">,
): readonly Finding[] {
  if (guest.address === undefined) return [];
  const lines = [
    ...config.matchAll(guest.kind === "lxc" ? /^(net\d+):\s*(\S+)/gm : /^(ipconfig\d+):\s*(\S+)/gm),
  ];
  const given = lines.flatMap(([, key = "", value = ""]) => {
    const ip = /(?:^|,)ip=([^,]+)/.exec(value)?.[1];
    return ip === undefined || ip === "manual" ? [] : [{ key, value, ip }];
  });
  const [first] = given;
  if (first === undefined || given.some(({ ip }) => ip.split("/", 1)[0] === guest.address)) return [];
  const edit = (value: string): string => value.replace(/((?:^|,)ip=)[^,]+/, `$1${guest.address}/${prefix}`);
  const message = `its address is ${first.ip} on the hypervisor and ${guest.address} in the site`;
  return [{ message, ...setting(guest, { key: first.key, live: first.value, edit }) }];
}

export function judgeInterfaces(config: string, guest: Guest): readonly Finding[] {
  const open = openInterfaces(config);
  if (open.length === 0) return [];
  const names = open.map(({ name }) => name).join(", ");
  const settings = open.map(({ name, value }) => ({ key: name, live: value, edit: filtered }));
  return [
    {
      message: `${names} has no firewall=1: the guest's rules are not in force`,
      ...setting(guest, ...settings),
    },
  ];
}

/** Declared mount points that the container's configuration does not have. */
export function judgeMounts(config: string, guest: Guest, hypervisor: Hypervisor): readonly Finding[] {
  const points = [...config.matchAll(/^mp(\d+):\s*([^,\s]+)(\S*)/gm)].map(
    ([, number, source = "", rest = ""]) => ({
      number: Number(number),
      source,
      path: /,mp=([^,]+)/.exec(rest)?.[1],
    }),
  );
  const same = (a: string, b: string): boolean => native(a, hypervisor) === native(b, hypervisor);
  const missing = guest.mounts.filter(
    ({ hostPath, guestPath }) =>
      !points.some(({ source, path }) => path === guestPath && same(source, hostPath)),
  );
  if (missing.length === 0) return [];
  const taken = new Set(points.map(({ number }) => number));
  const free = Array.from({ length: 256 }, (_, number) => number).filter((number) => !taken.has(number));
  const words = missing.flatMap(({ hostPath, guestPath }, at) => {
    const there = points.find(({ path }) => path === guestPath)?.number ?? free[at];
    return [`--mp${there}`, `${hostPath},mp=${guestPath}`];
  });
  const places = missing.map(({ guestPath }) => guestPath).join(", ");
  return [
    {
      message: `nothing of the hypervisor is mounted on ${places} as the site declares`,
      fix: {
        on: "node",
        argv: inTurn(["pct", "set", `${guest.id}`, ...words], ["pct", "reboot", `${guest.id}`]),
      },
    },
  ];
}

export function judgeState({ status }: Pick<GuestFacts, "status">, guest: Guest): readonly Finding[] {
  if (status === "running") return [];
  const verb = status === "paused" || status === "suspended" ? "resume" : "start";
  return [{ message: `it is ${status}`, fix: { on: "node", argv: [toolOf(guest), verb, String(guest.id)] } }];
}

/** The line "agent: 1", or "agent: enabled=1,fstrim_cloned_disks=1". A change counts from the next start. */
export function judgeAgent(config: string, { id }: Pick<Guest, "id">): readonly Finding[] {
  const value = /^agent:\s*(\S+)/m.exec(config)?.[1] ?? "";
  if (/(?:^|,)(?:enabled=)?(?:1|on|yes|true)(?:,|$)/.test(value)) return [];
  return [
    {
      message: "the QEMU guest agent is not enabled in its options, so nothing can be asked in it",
      fix: {
        on: "node",
        argv: inTurn(["qm", "set", `${id}`, "--agent", "enabled=1"], ["qm", "reboot", `${id}`]),
      },
    },
  ];
}

/** @param error what came instead of an answer; undefined when it answered */
export function judgeAnswer(error: unknown, { guest, site }: Subject): readonly Finding[] {
  if (error === undefined || guest === undefined) return [];
  const [message, advice] = [messageOf(error), adviceOn(error)];
  if (/guest agent does not answer/.test(message) && guest.address !== undefined) {
    return [
      {
        message: "it runs, but no QEMU guest agent answers in it",
        fix: { on: "node", argv: ["ssh", `root@${guest.address}`, "apt-get install -y qemu-guest-agent"] },
      },
    ];
  }
  const plain = message.replace(new RegExp(`^${describeHost(site, guest.host)} |^${guest.host} `), "");
  return [{ message: `it does not answer: ${plain}`, ...(advice === undefined ? {} : { hint: advice }) }];
}

/** A row that looks at the configuration of guests that exist. */
function configurationRow(
  row: Omit<Prerequisite, "examine" | "after">,
  judge: (config: string, guest: Guest, site: Site) => readonly Finding[],
): Prerequisite {
  return prerequisite<GuestFacts | undefined>({
    ...row,
    after: ["guest-exists"],
    ask: async ({ facts, guest }) => guest && (await facts()).get(guest.id),
    judge: (facts, { guest, site }) =>
      facts === undefined || guest === undefined ? [] : judge(facts.config, guest, site),
  });
}

const containersWithMounts = ({ guests }: Site): readonly HostName[] =>
  guests
    .filter(({ template, kind, mounts }) => !template && kind === "lxc" && mounts.length > 0)
    .map(({ host }) => host);

export const guestRows: readonly Prerequisite[] = [
  prerequisite({
    id: "guest-exists",
    parts: [],
    where: "each guest",
    must: "the hypervisor has a guest of this kind with the declared id",
    asked: "`pvesh get /cluster/resources --type vm`",
    remedy: "create the guest, or correct its id in the site",
    machines: runnableGuests,
    ask: async ({ facts, guest }) => guest && (await facts()).get(guest.id),
    judge: (facts, { guest }) => (guest === undefined ? [] : judgeExistence(facts, guest)),
  }),
  configurationRow(
    {
      id: "guest-name",
      parts: [],
      where: "each guest",
      must: "the guest's name is the declared one: another name most likely means another guest",
      asked: "`/etc/pve/nodes/NODE/{lxc,qemu-server}/ID.conf`",
      remedy:
        "correct the id or the name in the site, or `pct set ID --hostname NAME`, `qm set ID --name NAME`",
      machines: runnableGuests,
    },
    judgeName,
  ),
  configurationRow(
    {
      id: "guest-address",
      parts: [],
      where: "each guest",
      must: "the address that Proxmox gives the guest is the declared one",
      asked: "`net0` and `ipconfig0` of the guest's configuration",
      remedy: "`pct set ID --net0 …,ip=ADDRESS/PREFIX`",
      machines: runnableGuests,
    },
    (config, guest, { hypervisor }) => judgeAddress(config, guest, hypervisor),
  ),
  configurationRow(
    {
      id: "guest-filtered",
      parts: ["firewall"],
      where: "each guest with a firewall",
      must: "its interfaces have firewall=1",
      asked: "`netN` of the guest's configuration",
      remedy: "`pct set ID --net0 …,firewall=1`",
      machines: (site) =>
        site.firewall?.enabled === true ? filteredGuests(site).map(({ host }) => host) : [],
    },
    judgeInterfaces,
  ),
  configurationRow(
    {
      id: "guest-mounts",
      parts: ["certificates"],
      where: "each container with mount points",
      must: "directories of the hypervisor are mounted where the site says",
      asked: "`mpN` of the guest's configuration",
      remedy: "`pct set ID --mpN HOST_PATH,mp=PATH && pct reboot ID`",
      machines: containersWithMounts,
    },
    (config, guest, { hypervisor }) => judgeMounts(config, guest, hypervisor),
  ),
  prerequisite<GuestFacts | undefined>({
    id: "guest-runs",
    parts: [],
    where: "each guest",
    must: "it runs",
    asked: "`pvesh get /cluster/resources --type vm`",
    remedy: "`pct start ID`, `qm start ID`",
    after: ["guest-exists"],
    machines: runnableGuests,
    ask: async ({ facts, guest }) => guest && (await facts()).get(guest.id),
    judge: (facts, { guest }) => (facts === undefined || guest === undefined ? [] : judgeState(facts, guest)),
  }),
  configurationRow(
    {
      id: "guest-agent",
      parts: [],
      where: "each virtual machine",
      must: "the QEMU guest agent is enabled in the machine's options",
      asked: "`agent` of the guest's configuration",
      remedy: "`qm set ID --agent enabled=1 && qm reboot ID`",
      machines: virtualMachines,
    },
    judgeAgent,
  ),
  prerequisite<unknown>({
    id: "guest-answers",
    parts: [],
    where: "each guest",
    must: "commands can be run in it: by `pct exec`, or by its QEMU guest agent",
    asked: "`pct exec ID -- true`, `qm guest exec ID -- true`",
    remedy: "in the virtual machine: `apt-get install qemu-guest-agent`",
    after: ["guest-exists", "guest-runs", "guest-agent"],
    machines: runnableGuests,
    ask: async ({ host }) => {
      try {
        await asked(host, "true");
        return undefined;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return error;
      }
    },
    judge: judgeAnswer,
  }),
];
