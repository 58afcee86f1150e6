/** The mesh: Traefik in its own guest forwards every routed name to the service behind it. */

import type { Component, Io } from "../../component.ts";
import { CandidateError, NotReadyError } from "../../errors.ts";
import { findRoot } from "../../fabric/ca-files.ts";
import { declared, roleOf } from "../../fabric/declared.ts";
import { unitState } from "../../formats/systemd/index.ts";
import { configurationFaults } from "../../formats/traefik/configuration.ts";
import { routeFaults } from "../../formats/traefik/lint.ts";
import type { Host } from "../../hosts/host.ts";
import { candidateOf, type Resource, subjectOf } from "../../resource.ts";
import { foreignPath, writeForeign } from "../foreign/files.ts";
import { readForeign } from "../foreign/read.ts";
import { certificateIn, rootResource, serviceResource } from "../resources.ts";
import { activate, configurationFiles, nothingLoaded } from "./activate.ts";
import { commands } from "./commands.ts";
import { compile, needsRoot, paths, rootId, routesOf, routesResource, serviceId } from "./compile.ts";
import { declaredElsewhere } from "./elsewhere.ts";
import { hazards } from "./hazards.ts";
import { impact } from "./impact.ts";
import { verify } from "./verify.ts";

export const traefik: Component = {
  name: "traefik",
  after: ["firewall", "certificates"],
  compile,

  impact,
  async read(io) {
    const host = mesh(io);
    const needed = needsRoot(routesOf(io.site));
    const [files, unit, root] = await Promise.all([
      host.readFiles([paths.configuration, paths.root]),
      host.expect(commands.show),
      needed ? findRoot(declared(io.site, "ca").rootFiles, io.host) : undefined,
    ]);
    const { installed, ...state } = unitState(unit);
    if (!installed)
      throw new NotReadyError(`Traefik is not installed in ${host.name}`, {
        hint: "install it there, with a unit named traefik.service",
      });
    const live: Resource[] = [];
    const pem = files.get(paths.root)?.text;
    if (pem !== undefined) live.push(liveRoot(host, pem, root?.pem));
    const configuration = files.get(paths.configuration);
    if (configuration !== undefined) live.push(routesResource(io.site, configuration.text));
    live.push(serviceResource(serviceId, host.name, state));
    return live;
  },

  hazards,
  readForeign,

  async validate(changes, io) {
    const candidate = candidateOf(changes, "traefik/routes");
    if (candidate === undefined) return;
    const faults = [
      ...routeFaults(routesOf(io.site)).map(({ place, message }) => `route ${place}: ${message}`),
      ...configurationFaults(candidate.text, await declaredElsewhere(mesh(io))).map(({ message }) => message),
    ];
    if (faults.length > 0) throw new CandidateError(`the routes cannot be served: ${faults.join("; ")}`);
  },

  async apply(change, io) {
    const host = mesh(io);
    const subject = subjectOf(change);
    const write = (path: string, text: string): Promise<void> =>
      host.writeFiles([{ path, text, mode: "644", staging: paths.staging }]);
    const foreign = foreignPath(subject);
    if (foreign !== undefined) return writeForeign(host, foreign, subject.text, paths.staging);
    switch (subject.id) {
      case "traefik/routes":
        if (change.verb === "delete") return host.remove([paths.configuration]);
        if (change.verb === "create" && (await configurationFiles(host)).length === 0) nothingLoaded.add(io);
        return write(paths.configuration, subject.text);
      case "traefik/root":
        return change.verb === "delete"
          ? host.remove([paths.root])
          : write(
              paths.root,
              certificateIn(subject) ?? (await findRoot(declared(io.site, "ca").rootFiles, io.host)).pem,
            );
      default:
        if (change.verb !== "delete" && subject.units.running === "yes") await host.expect(commands.start);
    }
  },

  activate,
  verify,
};

function mesh(io: Io): Host {
  return io.host(roleOf(io.site, "mesh").host);
}

/** @param needed the CA's root, unless no route needs it */
function liveRoot(host: Host, installed: string, needed: string | undefined): Resource {
  if (installed === needed) return rootResource(rootId, host.name, "trusted");
  const state = needed === undefined ? "installed, but not needed" : "another certificate is installed";
  return rootResource(rootId, host.name, state, installed);
}
