/** Whether a published port of a stack answers, as the hypervisor reaches it. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { firewallOf, verdictOn } from "../../fabric/firewall.ts";
import type { Guest } from "../../model.ts";
import type { StackTarget } from "./facts.ts";

export interface PublishedPort {
  /** The machine that publishes it. */
  readonly guest: Guest;
  readonly address: string;
  readonly port: number;
  readonly service: string;
}

/** A port that the declared firewall closes to the hypervisor cannot be checked from here. */
function isOpen(
  { site }: Io,
  { stack }: StackTarget,
  { guest, address, port, service }: PublishedPort,
): boolean {
  const ends = { from: "pve", to: guest.host, address, protocol: "tcp", port } as const;
  const why = `${service} is proved from the hypervisor`;
  return (
    verdictOn(site, firewallOf(site), { ...ends, why, vital: false, at: stack.from }).action === "ACCEPT"
  );
}

/** Nothing for a port that the declared firewall closes to the hypervisor. */
export async function checkPort(
  io: Io,
  target: StackTarget,
  published: PublishedPort,
): Promise<readonly Check[]> {
  return isOpen(io, target, published) ? [await portCheck(io, target, published)] : [];
}

async function portCheck(
  io: Io,
  { id, stack }: StackTarget,
  { guest, address, port, service }: PublishedPort,
): Promise<Check> {
  const claim = `${address}:${port} answers for ${service} of ${stack.name}`;
  const seen = await io.network.connect(address, port);
  if (seen.ok) return passed(id, claim);
  if (seen.reason === "refused") {
    const hint = `\`docker port\` on ${guest.host} shows the published ports`;
    return failed(id, claim, "connection refused", hint);
  }
  const observed = seen.reason === "timeout" ? "no answer in time" : "no route to host";
  const hint = `the declared rules let ${io.site.hypervisor.address} in: \`phoenix verify firewall\` checks the installed ones`;
  return external(failed(id, claim, observed, hint));
}
