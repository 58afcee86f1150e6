/** keepalived on two gateways: the address that clients know is on the one that works. */
import type { Component, Impact, Io } from "../../component.ts";
import { CandidateError, isUnavailable } from "../../errors.ts";
import { unitState } from "../../formats/systemd/index.ts";
import { noImpact } from "../../impact.ts";
import { type Change, type Resource, subjectOf } from "../../resource.ts";
import { serviceResource } from "../resources.ts";
import { commands } from "./commands.ts";
import { compile, configurationPath, configurationResource, type Member, membersOf } from "./compile.ts";
import { verify } from "./verify.ts";

export const keepalived: Component = {
  name: "keepalived",
  after: ["nginx"],
  compile,
  impact,

  async read(io) {
    const read = await Promise.all(membersOf(io.site).map((member) => readMember(member, io)));
    return read.flat();
  },

  async validate(changes, io) {
    await Promise.all(
      changes.map(async (change) => {
        if (change.verb === "delete" || !isConfiguration(change)) return;
        const { host, text } = change.desired;
        // Before its installation there is no checker; the daemon itself refuses to start.
        if (!unitState(await io.host(host).expect(commands.show)).installed) return;
        const { exitCode, stdout, stderr } = await io.host(host).run(commands.test(text));
        const words = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
        if (exitCode !== 0)
          throw new CandidateError(`keepalived refuses its configuration on ${host}: ${words.join("; ")}`);
      }),
    );
  },

  async apply(change, io) {
    const host = io.host(subjectOf(change).host);
    if (isConfiguration(change)) {
      if (change.verb === "delete") return host.remove([configurationPath]);
      return host.writeFiles([{ path: configurationPath, text: change.desired.text, mode: "644" }]);
    }
    // A rollback never stops it: the address would be nowhere.
    if (change.verb === "delete") return;
    const state = unitState(await host.expect(commands.show));
    if (!state.installed) await host.expect(commands.install);
    if (!state.active || !state.enabled) await host.expect(commands.start);
  },

  /** The standby first: a machine that reloads keeps the address, and so there is always one that has it. */
  async activate(touched, io) {
    for (const { guest, configuration } of [...membersOf(io.site)].reverse()) {
      if (!touched.includes(configuration)) continue;
      const host = io.host(guest.host);
      if (!unitState(await host.expect(commands.show)).active) continue;
      await host.expect(commands.reload);
      io.activated({ kind: "reload", unit: "keepalived", host: guest.host });
    }
  },

  verify,
};

/** A gateway that cannot be looked at is left alone: the other one goes on. */
async function readMember(member: Member, io: Io): Promise<readonly Resource[]> {
  const { guest, configuration, service } = member;
  const host = io.host(guest.host);
  try {
    const [files, unit] = await Promise.all([
      host.readFiles([configurationPath]),
      host.expect(commands.show),
    ]);
    const file = files.get(configurationPath);
    return [
      ...(file === undefined ? [] : [configurationResource(configuration, guest.host, file.text)]),
      serviceResource(service, guest.host, unitState(unit)),
    ];
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    io.unread([configuration, service], error);
    return [];
  }
}

function isConfiguration(change: Change): boolean {
  return subjectOf(change).id.startsWith("keepalived/configuration");
}

async function impact(changes: readonly Change[]): Promise<Impact> {
  const configured = changes.filter((change) => change.verb === "update" && isConfiguration(change));
  const moved = configured.flatMap((change) => {
    const [before, after] = change.verb === "update" ? [change.live, change.desired] : [];
    const [old, wanted] = [before?.units.address, after?.units.address];
    return old === wanted ? [] : [`clients reach the gateways at ${wanted} instead of ${old}`];
  });
  return {
    ...noImpact,
    notices: [...new Set(moved)],
    activations: configured.map((change) => ({
      kind: "reload",
      unit: "keepalived",
      host: subjectOf(change).host,
    })),
  };
}
