/** The gateway: Nginx terminates TLS for every name in the list of services and forwards everything to the mesh. */

import type { Component, Io } from "../../component.ts";
import { CandidateError, NotReadyError } from "../../errors.ts";
import { roleOf } from "../../fabric/declared.ts";
import { unitState } from "../../formats/systemd/index.ts";
import type { FileState, Host } from "../../hosts/host.ts";
import { type Change, candidateOf, type Resource, type ResourceId, subjectOf } from "../../resource.ts";
import { foreignPath, writeForeign } from "../foreign/files.ts";
import { readForeign } from "../foreign/read.ts";
import { serviceResource } from "../resources.ts";
import { commands } from "./commands.ts";
import {
  compile,
  gatewayResource,
  isDistribution,
  linkResource,
  paths,
  serviceId,
  targetOf,
} from "./compile.ts";

import { overGateways } from "./gateways.ts";
import { hazards } from "./hazards.ts";
import { impact } from "./impact.ts";
import { verify } from "./verify.ts";

const gatewayAlone = {
  name: "nginx",
  after: ["certificates", "traefik"],
  compile,

  impact,
  async read(io) {
    const host = gateway(io);
    const [files, unit] = await Promise.all([
      host.readFiles(Object.values(paths)),
      host.expect(commands.show),
    ]);
    const { installed, ...state } = unitState(unit);
    if (!installed)
      throw new NotReadyError(`nginx is not installed in ${host.name}`, {
        hint: "install it there: apt-get install nginx",
      });
    const file = files.get(paths.available);
    const enabled = files.get(paths.enabled);
    const live: Resource[] = [];
    if (file !== undefined) live.push(gatewayResource(io.site, file.text));
    if (enabled !== undefined) live.push(linkResource(io.site, "nginx/enabled", linkOf(enabled)));
    const distribution = files.get(paths.distribution);
    live.push(
      linkResource(
        io.site,
        "nginx/distribution-site",
        isDistribution(distribution) ? distribution?.link : undefined,
      ),
    );
    live.push(serviceResource(serviceId, host.name, state));
    return live;
  },

  hazards,
  readForeign,

  async validate(changes, io) {
    const candidate = candidateOf(changes, "nginx/gateway");
    if (candidate === undefined) return;
    const foreign = changes.flatMap((change) => {
      const path = foreignPath(subjectOf(change));
      return path === undefined ? [] : [[path, subjectOf(change).text] as const];
    });
    const files = new Map([[paths.enabled, candidate.text], ...foreign]);
    const { exitCode, stdout, stderr } = await gateway(io).run(commands.test(files));
    // The checker read copies: name the files that they were made from.
    const lines = `${stdout}\n${stderr}`.replaceAll(/\/tmp\/tmp\.\w+\//g, "/etc/nginx/").split("\n");
    const messages = lines.filter((line) => line.trim() !== "" && !isHarmless(line));
    // A warning is a failure: "conflicting server name … ignored" means that some name is not served.
    if (exitCode === 0 && messages.length === 0) return;
    throw new CandidateError(
      `nginx refuses the new gateway configuration: ${messages.join("; ") || `exit ${exitCode}`}`,
    );
  },

  async apply(change, io) {
    const host = gateway(io);
    const subject = subjectOf(change);
    const foreign = foreignPath(subject);
    if (foreign !== undefined) return writeForeign(host, foreign, subject.text);
    switch (subject.id) {
      case "nginx/gateway":
        return change.verb === "delete"
          ? host.remove([paths.available])
          : host.writeFiles([{ path: paths.available, text: subject.text, mode: "644" }]);
      case "nginx/enabled":
        return applyLink(host, paths.enabled, change);
      case "nginx/distribution-site":
        return applyLink(host, paths.distribution, change);
      default:
        if (change.verb !== "delete" && subject.units.running === "yes") await host.expect(commands.start);
    }
  },

  async activate(touched: readonly ResourceId[], io) {
    if (touched.every((id) => id === "nginx/service")) return;
    const host = gateway(io);
    await host.expect(commands.reload);
    io.activated({ kind: "reload", unit: "nginx", host: host.name });
  },

  verify,
} satisfies Component;

export const nginx: Component = overGateways(gatewayAlone);

function gateway(io: Io): Host {
  return io.host(roleOf(io.site, "gateway").host);
}

async function applyLink(host: Host, path: string, change: Change): Promise<void> {
  const target = change.verb === "delete" ? undefined : targetOf(change.desired);
  if (target === undefined) await host.remove([path]);
  else await host.expect(commands.link(target, path));
}

/** The target of a link. A regular file in its place is drift, although Nginx would read it just the same. */
function linkOf(file: FileState | undefined): string | undefined {
  return file === undefined ? undefined : (file.link ?? "a regular file");
}

/**
 * Old versions need `listen … http2`; versions from 1.25.1 on accept it with a warning, and warn too where another site
 * listens on the same port without it.
 */
function isHarmless(line: string): boolean {
  return (
    line.includes('"listen ... http2" directive is deprecated') || line.includes("protocol options redefined")
  );
}
