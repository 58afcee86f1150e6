/** Which lines of the site each rule, option and line of the firewall's files follows from. */
import { declaredCluster, marked } from "../../fabric/cluster-firewall.ts";
import { explained, explainedFile, linesOf } from "../../fabric/explained.ts";
import { firewallOf, guestOfGroup, type SiteRule } from "../../fabric/firewall.ts";
import { guestOf } from "../../fabric/guests.ts";
import { nodeOf, nodeTitle } from "../../fabric/nodes.ts";
import { aboutGuest, guestOrigin, settingOrigin } from "../../fabric/origins.ts";
import { printFirewall } from "../../formats/pve-firewall/index.ts";
import { parseRule, printBare } from "../../formats/pve-firewall/rule.ts";
import type { Guest, Site } from "../../model.ts";
import type { Explained, GeneratedText, LineReason, Origin, Reason, Subject } from "../../origin.ts";
import type { HostName, Resource, ResourceId } from "../../resource.ts";
import { compile, groupId, guestPath, paths } from "./compile.ts";
import { withParts } from "./files.ts";
import { ruleReason } from "./rule-origins.ts";

export function explain(site: Site): readonly Explained[] {
  if (site.firewall === undefined) return [];
  const rules = rulesByUnit(site);
  return compile(site).map((resource) => explainedResource(site, resource, rules));
}

/** The rules of each resource by their units. */
type Rules = ReadonlyMap<ResourceId, ReadonlyMap<string, SiteRule>>;

function rulesByUnit(site: Site): Rules {
  const { host, guests } = firewallOf(site);
  const byUnit = (rules: readonly SiteRule[]) => new Map(rules.map((each) => [printBare(each.rule), each]));
  const onHost = new Map(host.map((each) => [printBare(marked(each)), each] as const));
  return new Map([
    ...guests.map(({ guest: { kind, id }, rules }) => [groupId(`${kind}-${id}`), byUnit(rules)] as const),
    ["firewall/rules", onHost] as const,
  ]);
}

function explainedResource(site: Site, resource: Resource, rules: Rules): Explained {
  const { id } = resource;
  const guest = guestNamed(site, /-((?:lxc|vm)-\d+)$/.exec(id)?.[1]);
  const enabled = settingOrigin(
    site,
    "switches the firewall on or off",
    "firewall/enabled",
    "shared_volumes/firewall/enabled",
  );
  const why: Reason = {
    origins: [...(guest === undefined ? [] : [filterOrigin(guest), guestOrigin(guest)]), enabled],
    about: guest === undefined ? ["guest:pve"] : aboutGuest(guest),
    note:
      guest === undefined
        ? `the firewall of ${nodeTitle(nodeOf(site, resource.host))}`
        : `the firewall of ${guest.host} (${guest.name})`,
  };
  const known = rules.get(id);
  if (known !== undefined) {
    const unit = (name: string): Reason | undefined => {
      const rule = known.get(name);
      return rule && ruleReason(site, rule, guest?.host ?? "pve");
    };
    const lines = linesOf(resource.text).map((line) => lineOfRule(line, unit) ?? why);
    return explained(resource, { why, unit, texts: [{ host: "pve", text: resource.text, lines }] });
  }
  if (id === "firewall/options") {
    const unit = (name: string): Reason => optionReason(site, name);
    const texts = [objectLines(resource, unit, why), clusterFile(site, rules)];
    return explained(resource, { why, unit, texts });
  }
  if (guest === undefined) {
    return explained(resource, {
      why,
      unitAt: ([key]) => (key === "active" ? "running" : key === "enabled" ? "starts at boot" : key),
    });
  }
  const unit = (): Reason => ({ ...why, origins: [guestOrigin(guest), ...why.origins] });
  return explained(resource, {
    why,
    unit,
    texts: [objectLines(resource, unit, why), ...guestFile(site, resource, guest, why)],
  });
}

function guestNamed(site: Site, name: string | undefined): Guest | undefined {
  return name === undefined ? undefined : guestOf(site, name.replace("-", "/") as HostName);
}

function filterOrigin(guest: Guest): Origin {
  return { at: guest.from, keys: ["firewall/enabled"], says: `filters ${guest.host} (${guest.name}) or not` };
}

/** "key: value" lines. */
function objectLines({ host, text }: Resource, unit: (name: string) => Reason, why: Reason): GeneratedText {
  const lines = linesOf(text).map((line): LineReason => {
    const key = /^(\w+): /.exec(line)?.[1] ?? (line.startsWith("GROUP ") ? "group" : undefined);
    return key === undefined ? why : { ...unit(key), unit: key };
  });
  return { host, text, lines };
}

function lineOfRule(line: string, unit: (name: string) => Reason | undefined): LineReason | undefined {
  const found = parseRule(line);
  const name = found !== undefined && "rule" in found ? printBare(found.rule) : undefined;
  const reason = name === undefined ? undefined : unit(name);
  return reason && { ...reason, unit: name ?? "" };
}

function optionReason(site: Site, key: string): Reason {
  const about: readonly Subject[] = ["guest:pve"];
  const setting = (says: string, name: string): Reason => ({
    origins: [settingOrigin(site, says, `firewall/${name}`, `shared_volumes/firewall/${name}`)],
    about,
  });
  if (key === "policy_in") return setting("what no rule matches, coming in", "default_input_policy");
  if (key === "policy_out") return setting("what no rule matches, going out", "default_output_policy");
  return setting("switches the firewall on or off", "enabled");
}

/** cluster.fw on a hypervisor without foreign lines: options, the hypervisor's rules, a group for each filtered guest. */
function clusterFile(site: Site, rules: Rules): GeneratedText {
  let at: { readonly id: ResourceId; readonly guest: Guest | undefined; readonly why: Reason } = {
    id: "firewall/options",
    guest: undefined,
    why: { origins: [], about: ["guest:pve"], note: "separates the sections" },
  };
  return explainedFile("pve", paths.cluster, printFirewall(declaredCluster(site)), (line): LineReason => {
    const header = /^\[(\w+)(?: (\S+))?\]/.exec(line);
    if (header !== null) at = sectionOf(site, header[1] ?? "", header[2]);
    if (line === "") return { ...at.why, origins: [], note: "separates the sections", resource: at.id };
    if (header !== null) return { ...at.why, resource: at.id };
    const option = /^(\w+): /.exec(line)?.[1];
    if (option !== undefined) return { ...optionReason(site, option), unit: option, resource: at.id };
    const known = rules.get(at.id);
    const reason = lineOfRule(line, (name) => {
      const rule = known?.get(name);
      return rule && ruleReason(site, rule, at.guest?.host ?? "pve");
    });
    return { ...(reason ?? at.why), resource: at.id };
  });
}

function sectionOf(site: Site, section: string, group: string | undefined) {
  const guest = guestNamed(site, group === undefined ? undefined : guestOfGroup(group));
  if (guest !== undefined)
    return {
      id: groupId(`${guest.kind}-${guest.id}`),
      guest,
      why: {
        origins: [
          filterOrigin(guest),
          { at: guest.from, keys: ["name"], says: "the name in the group's comment" },
        ],
        about: aboutGuest(guest),
        note: `begins the group of ${guest.host}'s rules: its own, those of its stacks, and what the fabric needs`,
      },
    };
  const isOptions = section.toLowerCase() === "options";
  const note = isOptions ? "begins the firewall's options" : "begins the hypervisor's own rules";
  return {
    id: isOptions ? ("firewall/options" as const) : ("firewall/rules" as const),
    guest: undefined,
    why: {
      origins: [settingOrigin(site, "declares the firewall", "firewall", "shared_volumes/firewall")],
      about: ["guest:pve"] as const,
      note,
    },
  };
}

/** A guest's own file, which uses its group. */
function guestFile(site: Site, resource: Resource, guest: Guest, why: Reason): readonly GeneratedText[] {
  const path = guestPath(guest.id);
  const files = withParts(site, new Map(), [{ id: resource.id, text: resource.text, before: undefined }]);
  const file = files.get(path);
  if (file === undefined) return [];
  const text = printFirewall(file);
  const reasonOf = (line: string): LineReason => {
    const option = /^(\w+): /.exec(line)?.[1];
    if (option !== undefined)
      return {
        ...why,
        unit: option,
        ...(option === "policy_in"
          ? { note: "Proxmox's own default, written out: what no rule lets in is dropped" }
          : {}),
      };
    if (line.startsWith("GROUP"))
      return { ...why, unit: "group", note: "uses the guest's group in cluster.fw, which holds its rules" };
    return { ...why, note: line === "" ? "separates the sections" : "begins a section of the guest's file" };
  };
  return [explainedFile("pve", path, text, reasonOf)];
}
