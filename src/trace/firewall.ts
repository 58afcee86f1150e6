/** Which rule of the installed firewall decides about a connection, and whether the site declares it. Pure. */
import { guestPath, paths } from "../components/firewall/compile.ts";
import { placeOfLine } from "../components/firewall/files.ts";
import { filtered } from "../components/firewall/interfaces.ts";
import {
  filteredGuests,
  firewallOf,
  guestRules,
  packetOf,
  type SiteRule,
  verdictOn,
} from "../fabric/firewall.ts";
import { describeHost, guestOf } from "../fabric/guests.ts";
import type { Connection } from "../fabric/hop.ts";
import { senderName } from "../fabric/paths.ts";
import type { Verdict } from "../formats/pve-firewall/decide.ts";
import { optionOf } from "../formats/pve-firewall/index.ts";
import { installedVerdict, isEnabled } from "../formats/pve-firewall/installed.ts";
import { printBare } from "../formats/pve-firewall/rule.ts";
import type { Guest, Site } from "../model.ts";
import type { HostName, SourceRef } from "../resource.ts";
import type { LiveFirewall } from "./facts.ts";
import { broken, degraded, type Finding } from "./finding.ts";

/** "stacks/wiki/phoenix.json:12" */
export function placeIn({ file, line }: SourceRef): string {
  return `${file}:${line}`;
}

/** What keeps a connection out, if something does. */
export function blocked(site: Site, live: LiveFirewall, { path, opening }: Connection): Finding | undefined {
  for (const direction of ["OUT", "IN"] as const) {
    const host = direction === "IN" ? path.to : path.from;
    const machine = machineOf(site, host);
    if (machine === undefined) continue;
    const verdict = installedVerdict(live.installed, machine, packetOf(site, path, direction));
    if (verdict.action === "ACCEPT") continue;
    return refusal(site, live, { path, opening }, host as HostName, verdict);
  }
  return undefined;
}

/** Undefined for whoever Proxmox's firewall does not filter. */
function machineOf(site: Site, host: Connection["path"]["from" | "to"]): "pve" | number | undefined {
  if (host === "pve") return "pve";
  return host.includes("/") ? guestOf(site, host as HostName)?.id : undefined;
}

function refusal(
  site: Site,
  live: LiveFirewall,
  { path, opening }: Connection,
  host: HostName,
  verdict: Verdict,
): Finding {
  const verb = verdict.action === "REJECT" ? "rejects" : "drops";
  const end = `${path.protocol} ${path.port}${host === path.to ? "" : ` to ${path.address}`}`;
  const cause = `${machineName(site, host)} ${verb} ${end} from ${senderName(site, path.from)}`;
  const seen = `${verdict.action === "REJECT" ? "rejected" : "dropped"} by the firewall`;
  const declared = verdict.rule === undefined ? undefined : declaredRule(site, host, verdict.rule);
  if (verdict.set !== undefined) {
    const details = [`its IP set ${verdict.set} decides before any rule`];
    return broken(seen, cause, {
      details,
      hint: `take the address out of the IP set ${verdict.set}`,
      from: opening,
    });
  }
  if (verdict.rule !== undefined) {
    const place = placeOfLine(live.files, verdict.rule) ?? "";
    const rule = `${place} "${printBare(verdict.rule)}" decides`;
    if (declared !== undefined)
      return broken(seen, cause, {
        details: [`${rule}; ${placeIn(declared.from)} declares it`],
        hint: `change the rule in ${placeIn(declared.from)}, then run \`phoenix sync firewall\``,
        from: declared.from,
      });
    const hint = isOurs(live, verdict.rule)
      ? "`phoenix sync firewall` removes it"
      : `remove ${place}, or move it behind phoenix's rules`;
    return broken(seen, cause, {
      details: [`${rule}, which the site does not declare`],
      hint,
      from: opening,
    });
  }
  const desired = verdictOn(site, firewallOf(site), path);
  const policy = `no installed rule accepts it, and the policy is ${verdict.action}`;
  if (desired.action === "ACCEPT")
    return broken(seen, cause, {
      details: [
        policy,
        ...(desired.rule === undefined
          ? []
          : [`desired: "${printBare(desired.rule)}" of ${placeIn(desired.from)}; live: absent`]),
      ],
      hint: "`phoenix sync firewall` puts it back",
      from: desired.from,
    });
  const hint = `accept ${end} from ${senderName(site, path.from)} in the rules of ${placeIn(desired.from)}`;
  return broken(seen, cause, {
    details: [`${policy}; the site declares no rule that does`],
    hint,
    from: desired.from,
  });
}

function machineName(site: Site, host: HostName): string {
  return host === "pve" ? "the hypervisor" : describeHost(site, host);
}

/** The site's rule that says the same. */
function declaredRule(site: Site, host: HostName, rule: NonNullable<Verdict["rule"]>): SiteRule | undefined {
  const firewall = firewallOf(site);
  const rules = host === "pve" ? firewall.host : (guestRules(firewall).get(host)?.rules ?? []);
  return rules.find((each) => printBare(each.rule) === printBare(rule));
}

/** A rule in a group of ours, which a sync writes anew. */
function isOurs({ files }: LiveFirewall, rule: NonNullable<Verdict["rule"]>): boolean {
  const groups = files
    .get(paths.cluster)
    ?.sections.filter(({ kind, name }) => kind === "group" && name?.startsWith("phx-"));
  return (
    groups?.some(({ lines }) => lines.some((line) => line.kind === "rule" && line.rule === rule)) === true
  );
}

/** What leaves a guest's declared rules without effect: requests pass, and so does everything else. */
export function exposed(site: Site, live: LiveFirewall, host: HostName, seen: string): Finding | undefined {
  const { firewall } = site;
  if (firewall?.enabled !== true) return undefined;
  const { files, open, installed } = live;
  const sync = "`phoenix sync firewall` switches it on";
  if (!isEnabled(installed)) {
    const value = optionOf(installed.cluster, "enable") ?? "absent";
    const cause = `the firewall is off: ${paths.cluster} says enable: ${value}, so nothing is filtered`;
    return degraded(seen, cause, { hint: sync, from: firewall.from });
  }
  const guest = filteredGuests(site).find((each) => each.host === host);
  if (guest === undefined) return undefined;
  const file = files.get(guestPath(guest.id));
  const enable = file === undefined ? "absent" : (optionOf(file, "enable") ?? "absent");
  if (enable !== "1") {
    const cause = `the firewall of ${describeHost(site, host)} is off: ${guestPath(guest.id)} says enable: ${enable}`;
    return degraded(seen, cause, { hint: sync, from: guest.from });
  }
  return unfiltered(site, guest, open.get(guest.id)?.[0], seen);
}

function unfiltered(
  site: Site,
  guest: Guest,
  open: { readonly name: string; readonly value: string } | undefined,
  seen: string,
): Finding | undefined {
  if (open === undefined) return undefined;
  const cause = `${open.name} of ${describeHost(site, guest.host)} has no firewall=1: its rules are not in force`;
  const tool = guest.kind === "lxc" ? "pct" : "qm";
  const hint = `\`${tool} set ${guest.id} --${open.name} '${filtered(open.value)}'\` filters it`;
  return degraded(seen, cause, { hint, from: guest.from });
}
