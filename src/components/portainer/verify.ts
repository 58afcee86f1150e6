/** Looks at Portainer as its clients do: the API over the CA's trust, the login, each agent, each environment. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { hintOf, isUnavailable, messageOf } from "../../errors.ts";
import { agentMachines } from "../../fabric/swarms.ts";
import type { PortainerEnvironment } from "../../model.ts";
import type { ResourceId } from "../../resource.ts";
import { ping } from "./agent.ts";
import { checkOverlay } from "./agent-tasks.ts";
import { administratorId, agentId, environmentId, serverId } from "./compile.ts";

export async function verify(io: Io): Promise<readonly Check[]> {
  const { portainer } = io.site;
  if (portainer === undefined) return [];
  const { environments } = portainer;
  const agents = environments.flatMap((each) =>
    agentMachines(io.site, each).map((guest) => checkAgent(io, { ...each, guest })),
  );
  const overlays = environments.map((each) => checkOverlay(io, each));
  return (await Promise.all([checkOwn(io, environments), Promise.all(agents), ...overlays])).flat();
}

async function checkOwn(io: Io, environments: readonly PortainerEnvironment[]): Promise<readonly Check[]> {
  const server = await checkServer(io);
  return server.status === "fail" ? [server] : [server, ...(await checkApi(io, environments))];
}

async function checkServer(io: Io): Promise<Check> {
  const { guest, port, hostname } = io.site.portainer ?? { guest: { address: "" }, port: 0, hostname: "" };
  const claim = `Portainer answers at https://${guest.address}:${port} as "${hostname}", with a certificate of the CA`;
  const status = await io.apis.portainer.status();
  if (status.state === "up") return passed(serverId, claim);
  const observed = status.state === "down" ? status.reason : "it waits for an administrator";
  const hint = "`docker logs` of its container shows why; `phoenix sync portainer` fixes it";
  return failed(serverId, claim, observed, hint);
}

async function checkApi(io: Io, environments: readonly PortainerEnvironment[]): Promise<readonly Check[]> {
  const login = await checked(administratorId, "the configured administrator can log in", async () => {
    await io.apis.portainer.login();
    return undefined;
  });
  if (login.status === "fail") return [login];
  const live = await io.apis.portainer.environments().catch((error: unknown) => {
    if (isUnavailable(error)) return undefined;
    throw error;
  });
  const checks = environments.map((each) =>
    checked(environmentId(each), `environment "${each.name}" is up in Portainer`, async () => {
      const found = live?.find(({ name, kind }) => name === each.name && kind === each.kind);
      if (found === undefined) return "it is not registered";
      return (await io.apis.portainer.isUp(found.id)) ? undefined : "Portainer cannot use its engine";
    }),
  );
  // An engine that is down, or a path to it: the registration is right all the same.
  const states = await Promise.all(checks);
  return [login, ...states.map((check) => (check.status === "fail" ? external(check) : check))];
}

/** @param look returns what was seen instead, if so */
async function checked(
  resource: ResourceId,
  claim: string,
  look: () => Promise<string | undefined>,
): Promise<Check> {
  try {
    const observed = await look();
    if (observed === undefined) return passed(resource, claim);
    return failed(resource, claim, observed, "`docker ps` on its machine shows whether the agent runs");
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return failed(resource, claim, messageOf(error), hintOf(error));
  }
}

async function checkAgent(io: Io, environment: PortainerEnvironment): Promise<Check> {
  const { guest, port } = environment;
  const claim = `the agent at https://${guest.address}:${port} answers a ping`;
  const seen = await ping(io, environment);
  if (seen === undefined) return passed(agentId(environment), claim);
  const hint = `the guest and its agent's container must run, and the firewall must let port ${port} through`;
  const check = failed(agentId(environment), claim, seen.reason, hint);
  return seen.unreached ? external(check) : check;
}
