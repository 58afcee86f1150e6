/** The mesh: Traefik in a guest of its own passes every routed name to the service that answers for it. */

import type { Component, Io } from "../../component.ts";
import { CandidateError, NotReadyError } from "../../errors.ts";
import { unitState } from "../../formats/systemd/index.ts";
import { configurationFaults, routeFaults } from "../../formats/traefik/lint.ts";
import { findRoot } from "../../hosts/ca-files.ts";
import type { Host } from "../../hosts/host.ts";
import { candidateOf, type Resource, subjectOf } from "../../resource.ts";
import { activate, nothingLoaded } from "./activate.ts";
import { commands } from "./commands.ts";
import {
  certificateOf,
  compile,
  needsRoot,
  paths,
  rootResource,
  routesOf,
  routesResource,
  serviceResource,
} from "./compile.ts";
import { verify } from "./verify.ts";

export const traefik: Component = {
  name: "traefik",
  after: ["firewall", "certificates"],
  compile,

  async read(io) {
    const host = mesh(io);
    const needed = needsRoot(routesOf(io.site));
    const [files, unit, root] = await Promise.all([
      host.readFiles([paths.configuration, paths.root]),
      host.expect(commands.showUnit),
      needed ? findRoot(io.site, io.host) : undefined,
    ]);
    const state = unitState(unit);
    if (!state.installed) {
      throw new NotReadyError(`Traefik is not installed in ${host.name}`, {
        hint: "install it there, with a unit called traefik.service",
      });
    }
    const live: Resource[] = [];
    const installed = files.get(paths.root)?.text;
    if (root !== undefined) {
      if (installed === root.pem) live.push(rootResource(io.site, "trusted"));
      else if (installed !== undefined)
        live.push(rootResource(io.site, "another certificate is in its place", installed));
    } else if (installed !== undefined) {
      live.push(rootResource(io.site, "in place, and not needed", installed));
    }
    const configuration = files.get(paths.configuration);
    if (configuration !== undefined) live.push(routesResource(io.site, configuration.text));
    live.push(serviceResource(io.site, { active: state.active, enabled: state.enabled }));
    return live;
  },

  async validate(changes, io) {
    const candidate = candidateOf(changes, "traefik/routes");
    if (candidate === undefined) return;
    const faults = [
      ...routeFaults(routesOf(io.site)).map(({ route, message }) => `route ${route}: ${message}`),
      ...configurationFaults(candidate.text),
    ];
    if (faults.length > 0) throw new CandidateError(`the routes cannot be served: ${faults.join("; ")}`);
  },

  async apply(change, io) {
    const host = mesh(io);
    const subject = subjectOf(change);
    const write = (path: string, text: string): Promise<void> =>
      host.writeFiles([{ path, text, mode: "644", staging: paths.staging }]);
    switch (subject.id) {
      case "traefik/routes":
        if (change.verb === "delete") return host.remove([paths.configuration]);
        if (change.verb === "create" && (await isEmpty(host))) nothingLoaded.add(io);
        return write(paths.configuration, subject.text);
      case "traefik/root":
        return change.verb === "delete"
          ? host.remove([paths.root])
          : write(paths.root, certificateOf(subject) ?? (await findRoot(io.site, io.host)).pem);
      default:
        if (change.verb !== "delete" && subject.units.running === "yes") await host.expect(commands.start);
    }
  },

  activate,
  verify,
};

function mesh(io: Io): Host {
  return io.host(io.site.roles.mesh.host);
}

/** Without any configuration in the watched directory, or without the directory, Traefik cannot have loaded anything. */
async function isEmpty(host: Host): Promise<boolean> {
  return !(await host.list(paths.directory)).some((name) => /\.(ya?ml|toml)$/i.test(name));
}
