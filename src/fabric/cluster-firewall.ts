/** cluster.fw as a site declares it, and how its own lines are recognised. Pure. */

import { defined } from "../defined.ts";
import { type GroupContent, withGroups, withOption, withRules } from "../formats/pve-firewall/edit.ts";
import { emptyFile, type FirewallFile } from "../formats/pve-firewall/index.ts";
import type { FwRule } from "../formats/pve-firewall/rule.ts";
import type { Site } from "../model.ts";
import { hostFirewall } from "./declared.ts";
import { firewallOf, type SiteRule } from "./firewall.ts";

/**
 * Marks our rules in [RULES]: a rule's comment survives Proxmox's own editor, other marks do not. Versions before 2 wrote
 * "phoenix:" alone, which people write as well: such a rule is ours only where the site declares it.
 */
const mark = "managed by phoenix:";

/** Whether a rule of [RULES] carries our mark. */
export function isMarked({ comment }: FwRule): boolean {
  return comment?.startsWith(mark) === true;
}

/** A comment without our mark, also the earlier one. */
export function withoutMark(comment: string): string {
  return comment.replace(/^(?:managed by )?phoenix: /, "");
}

/** A rule with our mark, as it is written to [RULES]. */
export function marked({ rule }: SiteRule): FwRule {
  return { ...rule, comment: `${mark} ${rule.comment ?? "declared"}` };
}

/** A rule of Proxmox's files in the site's words; one that is marked without the mark. */
export function declarationOf(rule: FwRule): Readonly<Record<string, string | false>> {
  const comment = isMarked(rule) ? withoutMark(rule.comment ?? "") : rule.comment;
  return defined({
    type: rule.type.toLowerCase(),
    action: rule.action,
    macro: rule.macro,
    iface: rule.iface,
    proto: rule.proto,
    port: rule.dport,
    sport: rule.sport,
    source: rule.source,
    dest: rule.dest,
    icmp_type: rule.icmpType,
    log: rule.log,
    enabled: rule.enabled ? undefined : (false as const),
    // "declared" stands for no comment in Phoenix's own rules.
    comment: isMarked(rule) && comment === "declared" ? undefined : comment,
  });
}

/** The comment of a guest's group, for users of Proxmox's interface. @param name the guest's, if known */
export function groupComment(name: string | undefined): string {
  return name === undefined ? "phoenix" : `phoenix: ${name.replace(/[^\x20-\x7e]|#/g, " ")}`;
}

/** cluster.fw on a hypervisor without foreign lines. */
export function declaredCluster(site: Site): FirewallFile {
  const { enabled, inputPolicy, outputPolicy } = hostFirewall(site);
  const { host, guests } = firewallOf(site);
  const groups = guests.map(({ guest, group, rules }): readonly [string, GroupContent] => [
    group,
    { comment: groupComment(guest.name), rules: rules.map(({ rule }) => rule) },
  ]);
  const options = [
    ["enable", enabled ? "1" : "0"],
    ["policy_in", inputPolicy],
    ["policy_out", outputPolicy],
  ] as const;
  const withOptions = options.reduce((file, [key, value]) => withOption(file, key, value), emptyFile);
  return withGroups(
    withRules(withOptions, () => false, host.map(marked)),
    new Map(groups),
  );
}
