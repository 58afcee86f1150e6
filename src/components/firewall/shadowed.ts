/** Checks that no foreign rule leaves ours without effect. One that does is named with its line. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { filteredGuests } from "../../fabric/firewall.ts";
import { describeHost } from "../../fabric/guests.ts";
import { nodesOf, nodeTitle } from "../../fabric/nodes.ts";
import { emptyFile, groupsOf, rulesOf } from "../../formats/pve-firewall/index.ts";
import { type FwRule, printBare } from "../../formats/pve-firewall/rule.ts";
import { type Shadow, shadows } from "../../formats/pve-firewall/shadow.ts";
import type { ResourceId } from "../../resource.ts";
import {
  type FirewallFiles,
  guestPath,
  hostPath,
  isOurGroup,
  isOursIn,
  paths,
  serviceId,
} from "./compile.ts";
import { placeOfLine } from "./files.ts";

export function checkShadows(io: Io, files: FirewallFiles): readonly Check[] {
  const of = (path: string): readonly FwRule[] => rulesOf(files.get(path) ?? emptyFile);
  const groups = groupsOf(files.get(paths.cluster) ?? emptyFile);
  const hosts = nodesOf(io.site).map((node) => {
    // The node's own rules come first.
    const found = shadows([...of(hostPath(node)), ...of(paths.cluster)], isOursIn(io.site), groups);
    return check(node.host === "pve" ? "firewall/rules" : serviceId(node), nodeTitle(node), found, files);
  });
  const guests = filteredGuests(io.site).flatMap(({ id, kind, host }): readonly Check[] => {
    const found = shadows(of(guestPath(id)), isOurGroup, groups);
    return found.length === 0
      ? []
      : [check(`firewall/guest-${kind}-${id}`, describeHost(io.site, host), found, files)];
  });
  return [...hosts, ...guests];
}

function check(resource: ResourceId, machine: string, found: readonly Shadow[], files: FirewallFiles): Check {
  const claim = `no foreign rule before phoenix's leaves one of ${machine} without effect`;
  const [first] = found;
  if (first === undefined) return passed(resource, claim);
  const place = placeOfLine(files, first.by);
  const more = found.length === 1 ? "" : `, and ${found.length - 1} more`;
  const observed = `${place} "${printBare(first.by)}" comes before "${printBare(first.rule)}"${more}`;
  return external(failed(resource, claim, observed, `narrow ${place}, or move it behind phoenix's rules`));
}
