/** POST /endpoints: checks in Portainer's order, and what is left behind when one fails (2.23 endpoint_create.go). */
import { messageOf } from "../../src/errors.ts";
import { type ApiResponse, json } from "../api-server.ts";
import { type Call, invalidPayload, type PortainerProcess, Problem } from "./call.ts";
import type { Endpoint } from "./database.ts";
import { endpointJson, snapshotStatus } from "./endpoint-json.ts";
import { UnreachableError } from "./exchange.ts";
import { type Form, formOf } from "./multipart.ts";

/** Kinds of environments that the lab has. */
const kinds = { docker: 1, agent: 2 } as const;

export async function createEndpoint({ process, request }: Call): Promise<ApiResponse> {
  const wanted = settingsOf(formOf(request.headers["content-type"] ?? "", request.body));
  const { database } = process;
  if (database.read().endpoints.some(({ Name }) => Name === wanted.Name))
    throw new Problem(409, "Name is not unique");
  return json(200, endpointJson(await added(process, wanted), []));
}

/** The environment of the option -H, which is there without a request. @throws Problem */
export function addHost(process: PortainerProcess, url: string): Promise<Endpoint> {
  const isAgent = url.startsWith("tcp:");
  const fields = {
    Name: "primary",
    EndpointCreationType: String(isAgent ? kinds.agent : kinds.docker),
    URL: url,
  };
  const trust = { TLS: "true", TLSSkipVerify: "true", TLSSkipClientVerify: "true" };
  return added(
    process,
    settingsOf({
      fields: new Map(Object.entries({ ...fields, ...(isAgent ? trust : {}) })),
      files: new Map(),
    }),
  );
}

/** @throws Problem 500 */
async function added(process: PortainerProcess, wanted: Wanted): Promise<Endpoint> {
  const { database } = process;
  const Version = wanted.Type === kinds.agent ? await agentVersion(process, wanted) : "";
  // From here on a number is used up, whatever comes.
  const { last } = database.read();
  const Id = last.endpoint + 1;
  database.write({ last: { ...last, endpoint: Id } });
  const endpoint: Endpoint = { ...wanted, Id, Agent: { Version }, Status: 1 };
  const failure = await snapshotFailure(process, endpoint);
  if (failure !== undefined)
    throw new Problem(500, "Unable to initiate communications with environment", failure);
  database.write({ endpoints: [...database.read().endpoints, endpoint] });
  const { tags } = database.read();
  const known = endpoint.GroupId === 1 && endpoint.TagIds.every((id) => tags.some(({ ID }) => ID === id));
  // The row stays: the next try meets its name.
  if (!known)
    throw new Problem(
      500,
      endpoint.GroupId === 1
        ? "An error occurred while trying to create the environment"
        : "Unable to find an environment group inside the database",
      endpoint.GroupId === 1
        ? undefined
        : `object not found inside the database (bucket=endpoint_groups, key=${endpoint.GroupId})`,
    );
  return endpoint;
}

type Wanted = Omit<Endpoint, "Id" | "Agent" | "Status">;

/** @throws Problem 400 */
function settingsOf({ fields, files }: Form): Wanted {
  const field = (name: string): string => fields.get(name) ?? "";
  const isTrue = (name: string): boolean => field(name) === "true";
  const Name = field("Name");
  if (Name === "") throw invalidPayload("Invalid environment name");
  const type = Number.parseInt(field("EndpointCreationType"), 10) || 0;
  if (type === 0)
    throw invalidPayload(
      "Invalid environment type value. Value must be one of: 1 (Docker environment), 2 (Agent environment), 3 (Azure environment), 4 (Edge Agent environment) or 5 (Local Kubernetes environment)",
    );
  const engine = field("ContainerEngine");
  if (!["", "docker", "podman"].includes(engine))
    throw invalidPayload("Invalid container engine value. Value must be one of: 'docker' or 'podman'");
  let TagIds: unknown = [];
  try {
    TagIds = field("TagIds") === "" ? [] : JSON.parse(field("TagIds"));
  } catch {
    throw invalidPayload("Invalid TagIds parameter");
  }
  const TLS = isTrue("TLS");
  const TLSSkipVerify = TLS && isTrue("TLSSkipVerify");
  if (TLS && !isTrue("TLSSkipVerify") && !files.has("TLSCACertFile"))
    throw invalidPayload("Invalid CA certificate file. Ensure that the file is uploaded correctly");
  if (TLS && !isTrue("TLSSkipClientVerify") && !files.has("TLSCertFile"))
    throw invalidPayload("Invalid certificate file. Ensure that the file is uploaded correctly");
  const url = field("URL");
  return {
    Name,
    Type: type === kinds.agent ? kinds.agent : kinds.docker,
    URL: type !== kinds.agent && url === "" ? "unix:///var/run/docker.sock" : url,
    PublicURL: field("PublicURL"),
    GroupId: Number.parseInt(field("GroupID"), 10) || 1,
    TagIds: Array.isArray(TagIds) ? TagIds.map(Number) : [],
    TLSConfig: { TLS, TLSSkipVerify },
    ContainerEngine: engine === "" ? "docker" : engine,
  };
}

/** The agent's /ping. Without TLS in the settings its certificate is not accepted. @throws Problem 500 */
async function agentVersion({ engines }: PortainerProcess, { URL: url, TLSConfig }: Wanted): Promise<string> {
  const failed = (details: string): Problem => new Problem(500, "Unable to get environment type", details);
  const place = `Get "https://${url.replace(/^\w+:\/\//, "")}/ping": `;
  try {
    const { status, headers } = await engines.ping(url);
    if (!TLSConfig.TLSSkipVerify)
      throw failed(
        `${place}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      );
    if (status !== 204) throw failed(`failed request with status ${status}`);
    const version = headers?.["portainer-agent"];
    if (version === undefined) throw failed("version Header is missing");
    if (headers?.["portainer-agent-platform"] === undefined) throw failed("agent Platform Header is missing");
    return version;
  } catch (error) {
    if (error instanceof UnreachableError) throw failed(place + messageOf(error));
    throw error;
  }
}

/** Why the first snapshot fails, if it does. */
async function snapshotFailure(process: PortainerProcess, endpoint: Endpoint): Promise<string | undefined> {
  if (!/^\w+:\/\//.test(endpoint.URL)) return `unable to parse docker host \`${endpoint.URL}\``;
  const { words } = await snapshotStatus(process, endpoint);
  if (words !== undefined && endpoint.Type !== kinds.agent)
    return `Cannot connect to the Docker daemon at ${endpoint.URL}. Is the docker daemon running?`;
  return words?.includes("Invalid request signature")
    ? "agent already paired with another Portainer instance"
    : words;
}
