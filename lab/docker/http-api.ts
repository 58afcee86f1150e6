/** The engine's HTTP API, as far as Portainer and its clients use it (Docker 26, API 1.45). */
import { type ApiResponse, json } from "../api-server.ts";
import type { LabDocker } from "../docker.ts";
import { createContainer, listContainers, logs } from "./http-containers.ts";
import { networkRoutes } from "./http-networks.ts";
import { bodyOf, type EngineCall, type EngineRequest, isTrue, texts } from "./http-request.ts";
import { containerInspect, imageJson, volumeJson } from "./json.ts";
import type { RegistryCredentials } from "./registry.ts";
import { DockerError } from "./state.ts";
import { type EngineRoute, swarmInfo, swarmRoutes } from "./swarm/routes.ts";

/** The engine's answer. A machine joins a Swarm over the network; everything else is answered at once. */
export async function engineResponse(docker: LabDocker, request: EngineRequest): Promise<ApiResponse> {
  const path = request.path.replace(/^\/v\d+\.\d+(?=\/)/, "");
  try {
    for (const [method, pattern, answer] of routes) {
      const match = method === request.method ? pattern.exec(path) : null;
      if (match !== null) return await answer({ docker, request, name: decodeURIComponent(match[1] ?? "") });
    }
    return json(404, { message: "page not found" });
  } catch (error) {
    if (error instanceof DockerError) return json(error.status, { message: error.message });
    throw error;
  }
}

const noContent: ApiResponse = { status: 204 };

const routes: readonly EngineRoute[] = [
  ...swarmRoutes,
  [
    "GET",
    /^\/_ping$/,
    () => ({ status: 200, headers: { "content-type": "text/plain", "api-version": "1.45" }, body: "OK" }),
  ],
  ["HEAD", /^\/_ping$/, () => ({ status: 200, headers: { "api-version": "1.45" } })],
  [
    "GET",
    /^\/version$/,
    () =>
      json(200, { Version: "26.1.5", ApiVersion: "1.45", MinAPIVersion: "1.24", Os: "linux", Arch: "amd64" }),
  ],
  ["GET", /^\/info$/, info],

  ["GET", /^\/containers\/json$/, listContainers],
  ["POST", /^\/containers\/create$/, createContainer],
  [
    "GET",
    /^\/containers\/([^/]+)\/json$/,
    ({ docker, name }) => json(200, containerInspect(docker.container(name), docker.context.clock.now())),
  ],
  ["GET", /^\/containers\/([^/]+)\/logs$/, logs],
  [
    "POST",
    /^\/containers\/([^/]+)\/start$/,
    ({ docker, name }) => {
      const running = docker.container(name).state === "running";
      docker.start(name);
      return running ? { status: 304 } : noContent;
    },
  ],
  [
    "POST",
    /^\/containers\/([^/]+)\/(?:stop|kill)$/,
    ({ docker, name }) => {
      const running = docker.container(name).state === "running";
      docker.stop(name);
      return running ? noContent : { status: 304 };
    },
  ],
  [
    "POST",
    /^\/containers\/([^/]+)\/restart$/,
    ({ docker, name }) => {
      docker.restart(name);
      return noContent;
    },
  ],
  [
    "DELETE",
    /^\/containers\/([^/]+)$/,
    ({ docker, name, request }) => {
      docker.remove(name, isTrue(request.query.get("force")));
      return noContent;
    },
  ],

  [
    "GET",
    /^\/volumes$/,
    ({ docker }) => json(200, { Volumes: docker.state.volumes.map(volumeJson), Warnings: null }),
  ],
  ["POST", /^\/volumes\/create$/, createVolume],
  [
    "GET",
    /^\/volumes\/([^/]+)$/,
    ({ docker, name }) => {
      const volume = docker.state.volumes.find((each) => each.name === name);
      if (volume === undefined) throw new DockerError(404, `get ${name}: no such volume`);
      return json(200, volumeJson(volume));
    },
  ],
  [
    "DELETE",
    /^\/volumes\/([^/]+)$/,
    ({ docker, name }) => {
      docker.removeVolume(name);
      return noContent;
    },
  ],

  ["GET", /^\/images\/json$/, ({ docker }) => json(200, docker.state.images.map(imageJson))],
  ["POST", /^\/images\/create$/, pullImage],
  ["GET", /^\/images\/(.+)\/json$/, inspectImage],

  ...networkRoutes,
];

function info({ docker }: EngineCall): ApiResponse {
  const { containers, images } = docker.state;
  const running = containers.filter(({ state }) => state === "running").length;
  return json(200, {
    ID: docker.host,
    Name: docker.host.replace("/", "-"),
    ServerVersion: "26.1.5",
    Containers: containers.length,
    ContainersRunning: running,
    ContainersStopped: containers.length - running,
    Images: images.length,
    Driver: "overlay2",
    NCPU: 2,
    MemTotal: 4_000_000_000,
    OperatingSystem: "Debian GNU/Linux 13 (trixie)",
    Swarm: swarmInfo(docker),
  });
}

function createVolume({ docker, request }: EngineCall): ApiResponse {
  const body = bodyOf(request);
  const volume = docker.createVolume({
    name: String(body.Name ?? ""),
    driver: String(body.Driver ?? "local"),
    options: texts(body.DriverOpts),
    labels: texts(body.Labels),
  });
  return json(201, volumeJson(volume));
}

function pullImage({ docker, request }: EngineCall): ApiResponse {
  const [name = "", tag = "latest"] = [request.query.get("fromImage") ?? "", request.query.get("tag") ?? ""];
  docker.pull(
    tag === "" ? name : `${name}${tag.includes(":") ? "@" : ":"}${tag}`,
    credentialsIn(request.headers?.["x-registry-auth"]),
  );
  const lines = [
    { status: `Pulling from ${name}`, id: tag },
    { status: `Status: Downloaded newer image for ${name}:${tag}` },
  ];
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  };
}

/** Docker's own form of the header. */
function credentialsIn(header: string | undefined): RegistryCredentials | undefined {
  if (header === undefined) return undefined;
  const value = JSON.parse(Buffer.from(header, "base64").toString()) as Partial<RegistryCredentials>;
  return { username: value.username ?? "", password: value.password ?? "" };
}

function inspectImage({ docker, name }: EngineCall): ApiResponse {
  const found = docker.hasImage(name);
  const image = docker.state.images.find(
    ({ reference, id }) => id === name || reference === name || reference === `${name}:latest`,
  );
  if (!found || image === undefined) throw new DockerError(404, `No such image: ${name}`);
  return json(200, imageJson(image));
}
