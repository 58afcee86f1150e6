/** A Portainer agent as a loopback server: it lets one Portainer, or all that know its secret, use the engine (agent 2.23). */
import type { HostName } from "../src/resource.ts";
import { clusterResponse } from "./agent-cluster.ts";
import { type ApiRequest, type ApiResponse, json, serveApi } from "./api-server.ts";
import type { FaultName, LabContext, LabServer } from "./context.ts";
import { engineResponse } from "./docker/http-api.ts";
import { type LabContainer, LabDocker } from "./docker.ts";
import { readFacts } from "./facts.ts";
import { featuresOf } from "./portainer/features.ts";
import { admission, refusals } from "./portainer/signature.ts";
import { selfSigned } from "./self-signed.ts";
import { treeOf } from "./tree.ts";

/** The key that an agent without a secret trusts: the first that came, until the process ends. */
interface Pairing {
  readonly process: string;
  readonly key: string;
}

/**
 * Serves the agent in `container` for as long as a container of that name runs: a new one of the same name is taken up
 * with the next connection.
 */
export async function startAgent(
  context: LabContext,
  host: HostName,
  container: Pick<LabContainer, "name">,
): Promise<LabServer> {
  const docker = new LabDocker(context, host);
  const running = (): LabContainer | undefined => {
    const found = docker.find(container.name);
    return found?.state === "running" ? found : undefined;
  };
  const pair = await selfSigned(["localhost"]);
  return serveApi({
    broken: (fault) => agentFault(context, host, fault) !== undefined,
    tls: () => (running() === undefined ? undefined : pair),
    app: async (request) => {
      const process = running();
      return process === undefined ? undefined : answer(docker, process, request);
    },
    failure: problem(500, "the lab's fault error-500"),
  });
}

async function answer(docker: LabDocker, container: LabContainer, request: ApiRequest): Promise<ApiResponse> {
  const headers = {
    "portainer-agent": featuresOf(container.image).version,
    "portainer-agent-api-version": "2",
    "portainer-agent-platform": "1",
  };
  const response = await routed(docker, container, request);
  return { ...response, headers: { ...response.headers, ...headers } };
}

async function routed(docker: LabDocker, container: LabContainer, request: ApiRequest): Promise<ApiResponse> {
  const { method, path, query, body, headers } = request;
  if (method === "GET" && (path === "/ping" || path === "/v2/ping")) return { status: 204 };
  const refusal = unauthorized(docker, container, request);
  if (refusal !== undefined) return refusal;
  if (path.startsWith("/v2/"))
    return { status: 404, headers: { "content-type": "text/plain" }, body: "404 page not found\n" };
  const socket = container.mounts.some(({ target }) => target === "/var/run/docker.sock");
  if (!socket)
    return problem(
      500,
      "Unable to proxy the request via the Docker socket",
      "Dial unix /var/run/docker.sock: connect: no such file or directory",
    );
  const wanted = { method, path, query, body: body.toString(), headers };
  return container.task === undefined
    ? engineResponse(docker, wanted)
    : clusterResponse(docker, container, wanted);
}

/** Why a request is refused; pairs with whoever comes first when there is no secret. */
function unauthorized(
  { context, host }: LabDocker,
  container: LabContainer,
  { headers }: ApiRequest,
): ApiResponse | undefined {
  const secret = container.env
    .find((each) => each.startsWith("AGENT_SECRET="))
    ?.slice("AGENT_SECRET=".length);
  const document = `agent-${treeOf(host)}`;
  const process = `${container.id} ${container.startedAt}`;
  const known = context.store.read<Pairing>(document);
  const paired = known?.process === process ? known.key : undefined;
  const admitted = admission(headers, secret, paired);
  if (typeof admitted === "string") return problem(403, refusals[admitted], "Unauthorized");
  if (secret === undefined && paired === undefined)
    context.store.write(document, { process, key: admitted.key } satisfies Pairing);
  return undefined;
}

function problem(status: number, message: string, details = message): ApiResponse {
  return json(status, { message, details });
}

/** A fault of this agent: set on agents, on its host or everywhere, but not on another agent's host alone. */
function agentFault(context: LabContext, host: HostName, fault: FaultName): string | undefined {
  const own = context.fault(fault, host);
  const others = (readFacts(context.store)?.agents ?? []).filter((agent) => agent.host !== host);
  const elsewhere = others.some((agent) => context.fault(fault, agent.host) !== undefined);
  return own ?? (elsewhere ? undefined : context.fault(fault, "agent"));
}
