/** Connections of clients, and whether guests run. */

import { describeHost } from "../fabric/guests.ts";
import type { GuestHop, TcpHop } from "../fabric/hop.ts";
import type { GuestName } from "../resource.ts";
import { closed, type Looking, stopped } from "./context.ts";
import { affected, broken, type Finding, ok, unknown } from "./finding.ts";
import { exposed } from "./firewall.ts";

export async function lookAtPort(looking: Looking, hop: TcpHop): Promise<Finding> {
  const { facts, way } = looking;
  const { path, host } = hop;
  const end = `${path.address}:${path.port}`;
  const [down, rule, seen] = await Promise.all([
    stopped(looking, host),
    closed(looking, hop),
    facts.connect(path.address, path.port),
  ]);
  if (down !== undefined) return down;
  if (rule !== undefined) return rule;
  const reason = "value" in seen ? (seen.value.ok ? undefined : seen.value.reason) : seen.fault;
  if (reason === undefined) {
    const live = await facts.firewall();
    const open =
      live !== undefined && "value" in live ? exposed(facts.site, live.value, host, end) : undefined;
    return open ?? ok(end);
  }
  // What listens there is the business of a later hop, which names it.
  const words = reason === "refused" ? "refused" : reason === "timeout" ? "no answer" : reason;
  if (way.hops.some(({ kind }) => kind === "gateway" || kind === "backend")) return affected(words);
  const hint = `\`ss -lntp\` on ${host} shows what listens there`;
  return broken(words, `${end} of ${describeHost(facts.site, host)} does not answer: ${words}`, { hint });
}

/** A connection from inside a guest. */
export async function connectFromGuest(looking: Looking, hop: TcpHop, guest: GuestName): Promise<Finding> {
  const { facts } = looking;
  const { path } = hop;
  const own = { path: { ...path, from: guest }, opening: hop.opening };
  const [down, rule, seen] = await Promise.all([
    stopped(looking, path.to as GuestName),
    closed(looking, own),
    facts.connectFrom(guest, path.address, path.port),
  ]);
  const end = `${path.address}:${path.port}`;
  if (down !== undefined) return affected(down.seen);
  if (rule !== undefined) return rule;
  if (seen === "answers") return ok(end);
  if (seen === "silent") return affected("no answer");
  return unknown("the guest cannot be asked to connect");
}

export async function lookAtGuest(looking: Looking, hop: GuestHop): Promise<Finding> {
  const { facts } = looking;
  const [down, read] = await Promise.all([
    stopped(looking, hop.host),
    facts.ask(`file ${hop.host} /proc/uptime`, () => facts.io.host(hop.host).readFiles(["/proc/uptime"])),
  ]);
  if (down !== undefined) return down;
  if ("value" in read) return ok("running");
  if (read.late === true) return unknown(read.fault);
  const cause = `${describeHost(facts.site, hop.host)} runs, and takes no command: ${read.fault}`;
  const hint =
    hop.guest.kind === "vm"
      ? "`systemctl status qemu-guest-agent` inside it; its agent must be installed and enabled in Proxmox"
      : "`pct console` shows what it does";
  return broken("no answer", cause, { hint });
}
