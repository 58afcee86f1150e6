/** Looks at Portainer as its clients do: the API over the CA's trust, the login, each agent, each environment. */
import type { Check, Io } from "../../component.ts";
import { ApiError, hintOf, messageOf, NotReadyError, TransportError } from "../../errors.ts";
import type { PortainerEnvironment } from "../../model.ts";
import type { ResourceId } from "../../resource.ts";
import { ping } from "./agent.ts";
import { administratorId, agentId, environmentId, serverId } from "./compile.ts";

export async function verify(io: Io): Promise<readonly Check[]> {
  const { portainer } = io.site;
  if (portainer === undefined) return [];
  const { environments } = portainer;
  const agents = environments.filter(({ kind }) => kind === "agent").map((each) => checkAgent(io, each));
  const [own, seen] = await Promise.all([checkOwn(io, environments), Promise.all(agents)]);
  return [...own, ...seen];
}

async function checkOwn(io: Io, environments: readonly PortainerEnvironment[]): Promise<readonly Check[]> {
  const server = await checkServer(io);
  return server.status === "fail" ? [server] : [server, ...(await checkApi(io, environments))];
}

async function checkServer(io: Io): Promise<Check> {
  const { guest, port, hostname } = io.site.portainer ?? { guest: { address: "" }, port: 0, hostname: "" };
  const claim = `Portainer answers at https://${guest.address}:${port} as ${hostname}, with a certificate of the CA`;
  const status = await io.apis.portainer.status();
  if (status.state === "up") return { resource: serverId, claim, status: "pass" };
  const observed = status.state === "down" ? status.reason : "it waits for an administrator";
  const hint = "`docker logs` of its container says what it does; `phoenix sync portainer` brings it up";
  return { resource: serverId, claim, status: "fail", observed, hint };
}

async function checkApi(io: Io, environments: readonly PortainerEnvironment[]): Promise<readonly Check[]> {
  const login = await checked(administratorId, "the configured administrator can log in", async () => {
    await io.apis.portainer.login();
    return undefined;
  });
  if (login.status === "fail") return [login];
  const live = await io.apis.portainer.environments().catch((error: unknown) => {
    if (isExpected(error)) return undefined;
    throw error;
  });
  const checks = environments.map((each) =>
    checked(environmentId(each), `the environment ${each.name} is up in Portainer`, async () => {
      const found = live?.find(({ name, kind }) => name === each.name && kind === each.kind);
      if (found === undefined) return "it is not registered";
      return (await io.apis.portainer.isUp(found.id)) ? undefined : "Portainer cannot use its engine";
    }),
  );
  // An engine that is down, or a path to it: the registration is right all the same.
  const states = (await Promise.all(checks)).map(
    (check): Check => (check.status === "fail" ? { ...check, external: true } : check),
  );
  return [login, ...states];
}

/** @param look what was seen instead, if so */
async function checked(
  resource: ResourceId,
  claim: string,
  look: () => Promise<string | undefined>,
): Promise<Check> {
  try {
    const observed = await look();
    if (observed === undefined) return { resource, claim, status: "pass" };
    return {
      resource,
      claim,
      status: "fail",
      observed,
      hint: "`docker ps` on its machine shows whether the agent runs",
    };
  } catch (error) {
    if (!isExpected(error)) throw error;
    const hint = hintOf(error);
    return {
      resource,
      claim,
      status: "fail",
      observed: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof ApiError || error instanceof TransportError || error instanceof NotReadyError;
}

async function checkAgent(io: Io, environment: PortainerEnvironment): Promise<Check> {
  const { guest, port } = environment;
  const resource = agentId(environment);
  const claim = `the agent at https://${guest.address}:${port} answers a ping`;
  const seen = await ping(io, environment);
  if (seen === undefined) return { resource, claim, status: "pass" };
  const hint = `the guest must run, its container as well, and the firewall must let port ${port} through`;
  const failed = { resource, claim, status: "fail", observed: seen.words, hint } as const;
  return seen.unreached ? { ...failed, external: true } : failed;
}
