/** The fault matrix: every knob of the lab on everything that it can break, and how a sync with work to do must end. */
import type { FaultName } from "../../../lab/context.ts";
import { faultRoles } from "../../../lab/faults.ts";
import type { WholeSite } from "../../whole-site.ts";

export interface FaultRow {
  readonly fault: FaultName;
  readonly target: string;
  readonly value?: string;
}

/** Hosts with a part in the fabric, and one without. */
function hostsOf(site: WholeSite): readonly string[] {
  const { gateway, mesh, ca } = site.roles;
  const machines = [site.portainer?.guest, ...(site.portainer?.environments ?? []).map(({ guest }) => guest)];
  const plain = site.guests.find(
    ({ kind, template, host }) =>
      kind === "lxc" && !template && ![gateway.host, mesh.host, ca.host].includes(host),
  );
  const hosts = [gateway, mesh, ca, ...machines, plain].flatMap((guest) => guest?.host ?? []);
  return ["pve", ...new Set(hosts)];
}

/** Which faults can break which parts; the descriptions in src/lab/faults.ts say the same. */
export function rowsOf(site: WholeSite): readonly FaultRow[] {
  const hosts = hostsOf(site);
  const rows = (fault: FaultName, targets: readonly string[], value?: string): readonly FaultRow[] =>
    targets.map((target) => ({ fault, target, ...(value === undefined ? {} : { value }) }));
  const servers = faultRoles.filter((role) => role !== "dns");
  return [
    ...rows("guest-down", hosts.slice(1)),
    ...rows("hang", hosts),
    ...rows("exit-1", hosts),
    ...rows("disk-full", hosts),
    ...rows("refused", faultRoles),
    ...rows("error-500", servers),
    ...rows("slow", [...hosts, "dns", "portainer", "agent"], "40"),
    ...rows("wrong-certificate", ["ca", "gateway", "portainer", "agent"]),
    ...rows("expired-token", ["ca", "portainer"]),
  ];
}
