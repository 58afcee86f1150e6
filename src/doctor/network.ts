/** Names, clocks and keys: what machines must agree on. */

import { consumerOf } from "../components/certificates/consumer.ts";
import { ownershipsOf } from "../components/certificates/owners.ts";
import { CandidateError, hintOf, messageOf } from "../errors.ts";
import { nodesOf } from "../fabric/nodes.ts";
import type { CommandResult } from "../hosts/host.ts";
import type { Guest, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { runnableGuests, virtualMachines } from "./hypervisor-facts.ts";
import {
  asked,
  type Finding,
  guestGates,
  installing,
  inTurn,
  line,
  nodesWith,
  type Prerequisite,
  prerequisite,
  type Subject,
} from "./prerequisite.ts";

export interface ResolverAnswer {
  /** /etc/resolv.conf */
  readonly resolver: string;
  /** The servers behind the stub of systemd-resolved. */
  readonly resolved: string | undefined;
}

/** The name servers that a machine asks: those of systemd-resolved where only its stub is named. */
export function nameServers({ resolver, resolved }: ResolverAnswer): readonly string[] {
  const servers = (text: string): readonly string[] =>
    [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = ""]) => server);
  const named = servers(resolver);
  const isStub = named.length > 0 && named.every((server) => server.startsWith("127.0.0.5"));
  return isStub && resolved !== undefined ? servers(resolved) : named;
}

/** A guest that asks somebody else does not know the site's names. Another one may pass them on, so this is a warning. */
export function judgeNameServers(answer: ResolverAnswer, { site, guest }: Subject): readonly Finding[] {
  if (guest === undefined) return [];
  const servers = nameServers(answer);
  const { address } = site.hypervisor;
  if (servers.includes(address)) return [];
  // A name server of the guest's own, such as AdGuard Home, asks whom its owner chose.
  if (servers.length > 0 && servers.every((server) => server.startsWith("127."))) return [];
  const fix = { on: "node" as const, argv: setNameServer(guest, address) };
  if (servers.length === 0) return [{ message: "it has no name server: it resolves no name at all", fix }];
  const message = `its name server is ${servers.join(", ")}, which does not know the site's names unless it asks ${address}`;
  return [{ message, fix, isWarning: true }];
}

/** Proxmox writes a container's name server when it starts, cloud-init that of a virtual machine. */
function setNameServer({ kind, id }: Guest, address: string): readonly string[] {
  const tool = kind === "lxc" ? "pct" : "qm";
  const set = [tool, "set", `${id}`, "--nameserver", address];
  const update = kind === "lxc" ? [] : [["qm", "cloudinit", "update", `${id}`]];
  return inTurn(set, ...update, [tool, "reboot", `${id}`]);
}

export interface ClockAnswer {
  /** What the machine says and what it was when it said so, milliseconds since the epoch. */
  readonly shownMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of `timedatectl show`. */
  readonly service: string;
}

/** Step-CA takes tokens that are a minute off. Milliseconds. */
const tolerableMs = 30_000;

/** @param reference "the hypervisor's", "this machine's" */
export function judgeClock(
  { shownMs, fromMs, untilMs, service }: ClockAnswer,
  reference: string,
): readonly Finding[] {
  const has = (key: string, value: string): boolean => service.split("\n").includes(`${key}=${value}`);
  const isOff = has("CanNTP", "yes") && has("NTP", "no") && has("NTPSynchronized", "no");
  const enable = { argv: ["timedatectl", "set-ntp", "true"], isSafe: true } as const;
  const offMs = shownMs < fromMs ? shownMs - fromMs : shownMs > untilMs ? shownMs - untilMs : 0;
  if (!Number.isFinite(shownMs) || Math.abs(offMs) <= tolerableMs)
    return isOff
      ? [
          {
            message: "its clock is not kept right: time synchronization is off",
            fix: enable,
            isWarning: true,
          },
        ]
      : [];
  const message = `its clock is ${Math.round(Math.abs(offMs) / 1000)} s ${offMs < 0 ? "behind" : "ahead of"} ${reference}`;
  if (isOff) return [{ message, fix: enable }];
  if (has("CanNTP", "no")) return [{ message, fix: { argv: installing("systemd-timesyncd") } }];
  return [
    { message, fix: { argv: line("chronyc makestep || systemctl restart systemd-timesyncd"), isSafe: true } },
  ];
}

/** GNU date prints seconds: three digits more are not worth asking busybox for. */
function shownBy({ exitCode, stdout }: CommandResult): number {
  return exitCode === 0 && /^\d+\s*$/.test(stdout) ? Number(stdout) * 1000 : Number.NaN;
}

const needsCertificates = ({ certificates }: Site): boolean => certificates.length > 0;

/** The containers that use a certificate's key. */
function keyUsers(site: Site): readonly HostName[] {
  const users = site.certificates.map((certificate) => consumerOf(site, certificate)?.guest);
  return [...new Set(users.flatMap((guest) => (guest?.kind === "lxc" ? [guest.host] : [])))];
}

export const networkRows: readonly Prerequisite[] = [
  prerequisite<ResolverAnswer>({
    id: "nameservers",
    parts: ["dns"],
    where: "each guest",
    must: "it asks the hypervisor for names; another name server that passes them on is a warning",
    asked: "`/etc/resolv.conf`, `/run/systemd/resolve/resolv.conf`",
    remedy: "`pct set ID --nameserver ADDRESS && pct reboot ID`",
    after: guestGates,
    machines: (site) => (site.dns?.enabled === true ? runnableGuests(site) : []),
    ask: async ({ host }) => {
      const [resolver, resolved] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
      const files = await host.readFiles([resolver, resolved]);
      return { resolver: files.get(resolver)?.text ?? "", resolved: files.get(resolved)?.text };
    },
    judge: judgeNameServers,
  }),
  prerequisite<ClockAnswer & { readonly reference: string }>({
    id: "clock",
    parts: ["trust", "certificates"],
    where: "the hypervisor, each node of a cluster and each virtual machine",
    must: "their clocks agree within 30 seconds, and something keeps them right",
    asked: "`date +%s`, `timedatectl show`",
    remedy: "`timedatectl set-ntp true`",
    isSafe: "sometimes",
    after: guestGates,
    machines: (site) =>
      needsCertificates(site) ? [...nodesWith(nodesOf)(site), ...virtualMachines(site)] : [],
    ask: async ({ host, io }) => {
      // A guest's clock is compared to the hypervisor's, which the containers have as well.
      const pve = io.host("pve");
      const [before, fromMs] = [shownBy(await asked(pve, "date", "+%s")), io.clock.now()];
      const [date, service] = await Promise.all([
        asked(host, "date", "+%s"),
        asked(host, "timedatectl", "show"),
      ]);
      const tookMs = io.clock.now() - fromMs;
      const isHypervisor = host.name === "pve";
      const startMs = isHypervisor ? fromMs : before;
      return {
        shownMs: shownBy(date),
        fromMs: startMs - 1_000,
        untilMs: startMs + tookMs + 1_000,
        service: service.exitCode === 0 ? service.stdout : "",
        reference: isHypervisor ? "this machine's" : "the hypervisor's",
      };
    },
    judge: (answer) => judgeClock(answer, answer.reference),
  }),
  prerequisite<readonly CandidateError[]>({
    id: "key-owners",
    parts: ["certificates"],
    where: "each container that uses a certificate",
    must: "it has the user and the group that own its key, and its map of ids includes both",
    asked:
      "`/etc/passwd` and `/etc/group` of the guest; `unprivileged`, `lxc.idmap` and `idmap` of its configuration",
    remedy: "create the user, map its id by `lxc.idmap`, or correct `owner` in the manifest",
    after: guestGates,
    machines: keyUsers,
    ask: async ({ site, io, machine }) => {
      const own = site.certificates.filter((each) => consumerOf(site, each)?.guest.host === machine);
      const ownerships = await ownershipsOf(io, own);
      return [...ownerships.values()].flatMap((ownership) => {
        try {
          ownership.onDisk(undefined);
          return [];
        } catch (error) {
          if (!(error instanceof CandidateError)) throw error;
          return [error];
        }
      });
    },
    judge: (errors) =>
      errors.map((error) => {
        const hint = hintOf(error);
        return { message: messageOf(error), ...(hint === undefined ? {} : { hint }) };
      }),
  }),
];
