/** DNS: dnsmasq on the hypervisor. Exactly these files are ours; every other file in its directory is foreign. */
import type { Component, Hazard, Io } from "../../component.ts";
import { CandidateError } from "../../errors.ts";
import { wildcardConf } from "../../formats/dnsmasq/index.ts";
import { unitState } from "../../formats/systemd/index.ts";
import { type Change, type Resource, type ResourceId, subjectOf } from "../../resource.ts";
import { foreignPath, writeForeign } from "../foreign/files.ts";
import { readForeign } from "../foreign/read.ts";
import { serviceResource } from "../resources.ts";
import { commands } from "./commands.ts";
import {
  compile,
  configurationResource,
  paths,
  recordsResource,
  serviceId,
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
    const host = io.host("pve");
    const [files, unit] = await Promise.all([
      host.readFiles(Object.values(pathOf)),
      host.expect(commands.show),
    ]);
    const live: Resource[] = [];
    const records = files.get(paths.records);
    if (records !== undefined) live.push(recordsResource(records.text));
    const wildcards = files.get(paths.wildcards);
    // A file without a wildcard says nothing: earlier versions wrote one.
    if (wildcards !== undefined && wildcards.text !== wildcardConf([]))
      live.push(wildcardsResource(wildcards.text));
    const configuration = files.get(paths.configuration);
    if (configuration !== undefined) live.push(configurationResource(configuration.text));
    // A service that runs without any of our files is foreign.
    if (live.length > 0 || io.site.dns?.enabled)
      live.push(serviceResource(serviceId, "pve", unitState(unit)));
    return live;
  },

  hazards,
  readForeign,

  async validate(changes, io) {
    const host = io.host("pve");
    const candidate = changes
      .filter(({ verb }) => verb !== "delete")
      .map(subjectOf)
      .filter(({ id }) => replacedBy(id) !== undefined);
    if (candidate.length === 0 || !unitState(await host.expect(commands.show)).installed) return;
    const text = candidate.map((resource) => resource.text).join("");
    const replaced = candidate.map(({ id }) => replacedBy(id) ?? "");
    const { exitCode, stderr } = await host.run(commands.test(text, replaced));
    if (exitCode === 0) return refuseUnstartable(changes, io);
    // The checker read copies: name the files that they were made from.
    const message = stderr.trim().replaceAll(/\/tmp\/tmp\.\w+\//g, "/etc/dnsmasq.d/");
    throw new CandidateError(`dnsmasq refuses the new configuration: ${message}`, {
      hint: "the other files in /etc/dnsmasq.d count too; `dnsmasq --test` on the hypervisor checks the present ones",
    });
  },

  async apply(change, io) {
    const host = io.host("pve");
    const subject = subjectOf(change);
    const foreign = foreignPath(subject.id);
    if (foreign !== undefined) return writeForeign(host, foreign, subject.text);
    const path = pathOf[subject.id];
    if (path !== undefined && change.verb === "delete") return host.remove([path]);
    if (path !== undefined) return host.writeFiles([{ path, text: subject.text, mode: "644" }]);
    return applyService(change, io);
  },

  /** dnsmasq watches the directory of the records, so only the other files need a restart. */
  async activate(touched, io) {
    if (touched.every((id) => id === "dns/records" || id === serviceId)) return;
    const host = io.host("pve");
    if (!unitState(await host.expect(commands.show)).installed) return;
    await host.expect(commands.restart);
    io.activated({ kind: "restart", unit: "dnsmasq", host: "pve" });
  },

  verify,
};

/** The name of the file in dnsmasq's directory that a resource replaces; undefined when it is in none of them. */
function replacedBy(id: ResourceId): string | undefined {
  const path = foreignPath(id) ?? (id === "dns/records" ? undefined : pathOf[id]);
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
async function applyService(change: Change, io: Io): Promise<void> {
  if (change.verb === "delete") return;
  const host = io.host("pve");
  const state = unitState(await host.expect(commands.show));
  if (!state.installed) await host.expect(commands.install);
  if (!state.active || !state.enabled) await host.expect(commands.start);
}
