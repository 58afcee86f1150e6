/** Portainer: its server on the primary machine, agents on the others, and their environments. */
import type { Component } from "../../component.ts";
import { subjectOf } from "../../resource.ts";
import { applyContainer, isForeignContainer } from "../foreign/containers.ts";
import { readForeign } from "../foreign/read.ts";
import { applyAgent } from "./agent.ts";
import { applyAgentService } from "./agent-service.ts";
import { applyAdministrator, applyEnvironment } from "./api.ts";
import { administratorId, agentId, compile, environmentId, serverId, storageId } from "./compile.ts";
import { applyDuplicate, isDuplicate } from "./duplicates.ts";
import { hazards } from "./hazards.ts";
import { impact } from "./impact.ts";
import { read } from "./read.ts";
import { registryId } from "./registries.ts";
import { applyRegistry } from "./registries-live.ts";
import { applyServer, applyStorage } from "./server.ts";
import { verify } from "./verify.ts";

/** Independent: a machine that is down must not roll back the others. What needs a failed resource reports that. */
export const portainer: Component = {
  name: "portainer",
  after: ["dns", "firewall", "certificates", "swarm"],
  independent: true,
  compile,
  impact,
  read,

  hazards,
  readForeign,

  async apply(change, io) {
    if (isForeignContainer(subjectOf(change))) return applyContainer(change, io);
    const declared = io.site.portainer;
    if (declared === undefined) return;
    const { id } = subjectOf(change);
    if (isDuplicate({ id })) return applyDuplicate(change, declared, io);
    if (id === storageId) return applyStorage(change, declared, io);
    if (id === serverId) return applyServer(change, declared, io);
    if (id === administratorId) return applyAdministrator(change, declared, io);
    for (const registry of declared.registries)
      if (id === registryId(registry)) return applyRegistry(change, declared, registry, io);
    for (const environment of declared.environments) {
      if (id === agentId(environment))
        return environment.swarm === undefined
          ? applyAgent(change, environment, io)
          : applyAgentService(change, environment, io);
      if (id === environmentId(environment)) return applyEnvironment(change, environment, io);
    }
  },

  verify,
};
