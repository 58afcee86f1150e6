/** DNS: dnsmasq on the hypervisor, in a cluster on the declared nodes. Exactly these files are ours; every other file in its directory is foreign. */
import type { Component, Hazard, Io } from "../../component.ts";
import { CandidateError } from "../../errors.ts";
import { baseId, dnsNodes, idOn, nodeOfId, nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { wildcardConf } from "../../formats/dnsmasq/index.ts";
import { unitState } from "../../formats/systemd/index.ts";
import type { Host } from "../../hosts/host.ts";
import { type Change, type Resource, type ResourceId, subjectOf } from "../../resource.ts";
import { foreignPath, writeForeign } from "../foreign/files.ts";
import { readForeign } from "../foreign/read.ts";
import { askNodes, nodesTouched } from "../nodes.ts";
import { commands } from "./commands.ts";
import {
  compile,
  configurationResource,
  paths,
  recordsResource,
  serviceId,
  unitResource,
  wildcardsResource,
} from "./compile.ts";
import { hazards } from "./hazards.ts";
import { impact } from "./impact.ts";
import { verify } from "./verify.ts";

const directory = "/etc/dnsmasq.d";

const pathOf: Readonly<Record<ResourceId, string>> = {
  "dns/records": paths.records,
  "dns/wildcards": paths.wildcards,
  "dns/configuration": paths.configuration,
};

export const dns: Component = {
  name: "dns",
  after: [],
  compile,

  impact,
  async read(io) {
    const desired = compile(io.site);
    const idsOf = ({ host }: SiteNode): readonly ResourceId[] =>
      desired.filter((each) => each.host === host).map(({ id }) => id);
    // Also nodes that no longer run it, where everything is an orphan.
    const found = await askNodes(io, nodesOf(io.site), idsOf, (node, host) => readNode(node, host, io));
    return found.flat();
  },

  hazards,
  readForeign,

  async validate(changes, io) {
    for (const node of nodesTouched(io, changes)) {
      const own = changes.filter((change) => subjectOf(change).host === node.host);
      await refuseCandidate(node, own, io);
    }
  },

  async apply(change, io) {
    const subject = subjectOf(change);
    const host = io.host(subject.host);
    const foreign = foreignPath(subject);
    if (foreign !== undefined) return writeForeign(host, foreign, subject.text);
    const path = pathOf[baseId(subject)];
    if (path !== undefined && change.verb === "delete") return host.remove([path]);
    if (path !== undefined) return host.writeFiles([{ path, text: subject.text, mode: "644" }]);
    return applyService(change, host);
  },

  /** dnsmasq watches the directory of the records, so only the other files need a restart. */
  async activate(touched, io) {
    for (const node of nodesOf(io.site)) {
      const isWatched = (id: ResourceId): boolean =>
        id === idOn(node, "dns/records") || id === idOn(node, serviceId);
      const own = touched.filter((id) => nodeOfId(io.site, id) === node);
      if (own.every(isWatched)) continue;
      const host = io.host(node.host);
      if (!unitState(await host.expect(commands.show)).installed) continue;
      await host.expect(commands.restart);
      io.activated({ kind: "restart", unit: "dnsmasq", host: node.host });
    }
  },

  verify,
};

async function readNode(node: SiteNode, host: Host, { site }: Io): Promise<readonly Resource[]> {
  const [files, unit] = await Promise.all([
    host.readFiles(Object.values(pathOf)),
    host.expect(commands.show),
  ]);
  const live: Resource[] = [];
  const records = files.get(paths.records);
  if (records !== undefined) live.push(recordsResource(node, records.text));
  const wildcards = files.get(paths.wildcards);
  // A file without a wildcard says nothing: earlier versions wrote one.
  if (wildcards !== undefined && wildcards.text !== wildcardConf([]))
    live.push(wildcardsResource(node, wildcards.text));
  const configuration = files.get(paths.configuration);
  if (configuration !== undefined) live.push(configurationResource(node, configuration.text));
  // A service that runs without any of our files is foreign.
  if (live.length > 0 || dnsNodes(site).includes(node)) live.push(unitResource(node, unitState(unit)));
  return live;
}

/** @throws CandidateError with the words of the node's dnsmasq */
async function refuseCandidate(node: SiteNode, changes: readonly Change[], io: Io): Promise<void> {
  const host = io.host(node.host);
  const candidate = changes
    .filter(({ verb }) => verb !== "delete")
    .map(subjectOf)
    .filter((resource) => replacedBy(resource) !== undefined);
  if (candidate.length === 0 || !unitState(await host.expect(commands.show)).installed) return;
  const text = candidate.map((resource) => resource.text).join("");
  const replaced = candidate.map((resource) => replacedBy(resource) ?? "");
  const { exitCode, stderr } = await host.run(commands.test(text, replaced));
  if (exitCode === 0) return refuseUnstartable(changes, io);
  // The checker read copies: name the files that they were made from.
  const message = stderr.trim().replaceAll(/\/tmp\/tmp\.\w+\//g, "/etc/dnsmasq.d/");
  const where = node.host === "pve" ? "" : ` on ${nodeTitle(node)}`;
  throw new CandidateError(`dnsmasq${where} refuses the new configuration: ${message}`, {
    hint: `the other files in /etc/dnsmasq.d count too; \`dnsmasq --test\` on ${nodeTitle(node)} checks the present ones`,
  });
}

/** The name of the file in dnsmasq's directory that a resource replaces; undefined when it is in none of them. */
function replacedBy(resource: Resource): string | undefined {
  const id = baseId(resource);
  const path = foreignPath(resource) ?? (id === "dns/records" ? undefined : pathOf[id]);
  return path?.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : undefined;
}

/** `dnsmasq --test` accepts lines with which dnsmasq then does not start (2.90: `bind-interfaces` beside `bind-dynamic`). */
async function refuseUnstartable(changes: readonly Change[], io: Io): Promise<void> {
  const taken = new Set(changes.map((change) => subjectOf(change).id));
  const isLeft = ({ foreign }: Hazard): boolean =>
    foreign?.changes?.some((change) => !taken.has(subjectOf(change).id)) === true;
  const left = (await hazards(changes, io)).find(isLeft);
  if (left !== undefined)
    throw new CandidateError(`dnsmasq cannot use the new configuration: ${left.message}`);
}

/** Installs, enables and starts dnsmasq. A rollback never stops it: others may rely on the name server by now. */
async function applyService(change: Change, host: Host): Promise<void> {
  if (change.verb === "delete") return;
  const state = unitState(await host.expect(commands.show));
  if (!state.installed) await host.expect(commands.install);
  if (!state.active || !state.enabled) await host.expect(commands.start);
}
