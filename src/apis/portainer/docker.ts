/** Docker engines behind Portainer: their own API, forwarded by Portainer and its agents. */
import { ApiError } from "../../errors.ts";
import { member, numberOf, objectsOf, parseJson, textOf, textsOf } from "../../formats/json/index.ts";
import { canonicalJson } from "../../resource.ts";
import { changeMs, type EngineCalls, withoutFrames } from "./engine.ts";
import type { ContainerLife, ContainerState, PortainerApi, VolumeState } from "./index.ts";

type Engines = Pick<
  PortainerApi,
  | "containers"
  | "containerLife"
  | "removeContainer"
  | "stopContainer"
  | "startContainer"
  | "containerLogs"
  | "volumes"
  | "createVolume"
  | "networks"
  | "createNetwork"
  | "hasImage"
  | "pullImage"
>;

/** Large images over a slow line. Milliseconds. */
const pullMs = 15 * 60_000;

export class DockerCalls implements Engines {
  readonly #engine: EngineCalls;

  constructor(engine: EngineCalls) {
    this.#engine = engine;
  }

  readonly containers: Engines["containers"] = async (environmentId, project) => {
    const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] });
    const path = `/containers/json?all=true&filters=${encodeURIComponent(filters)}`;
    const { text } = await this.#engine.get(environmentId, path, `list the containers of ${project}`);
    return objectsOf(parseJson(text)).map(containerOf);
  };

  readonly containerLife: Engines["containerLife"] = async (environmentId, containerId) => {
    const path = `/containers/${encodeURIComponent(containerId)}/json`;
    const purpose = `look at container ${containerId.slice(0, 12)}`;
    const { status, text } = await this.#engine.get(environmentId, path, purpose, [404]);
    return status === 404 ? undefined : lifeOf(parseJson(text));
  };

  readonly removeContainer: Engines["removeContainer"] = async (environmentId, containerId) => {
    await this.#engine.call(environmentId, {
      method: "DELETE",
      path: `/containers/${encodeURIComponent(containerId)}?force=true`,
      purpose: `remove container ${containerId.slice(0, 12)}`,
      effect: "change",
      accept: [404],
      timeoutMs: changeMs,
    });
  };

  readonly stopContainer: Engines["stopContainer"] = (environmentId, containerId) =>
    this.#turn(environmentId, containerId, "stop");

  readonly startContainer: Engines["startContainer"] = (environmentId, containerId) =>
    this.#turn(environmentId, containerId, "start");

  readonly containerLogs: Engines["containerLogs"] = async (environmentId, containerId, lines) => {
    const path = `/containers/${encodeURIComponent(containerId)}/logs?stdout=true&stderr=true&tail=${lines}`;
    const purpose = `show the log of container ${containerId.slice(0, 12)}`;
    return withoutFrames((await this.#engine.get(environmentId, path, purpose)).text);
  };

  readonly volumes: Engines["volumes"] = async (environmentId) => {
    const { text } = await this.#engine.get(environmentId, "/volumes", "list the volumes");
    return objectsOf(member(parseJson(text), "Volumes")).map(volumeOf);
  };

  readonly createVolume: Engines["createVolume"] = async (environmentId, volume) => {
    const { name, driver, options, labels } = volume;
    const { text } = await this.#engine.call(environmentId, {
      method: "POST",
      path: "/volumes/create",
      purpose: `create volume ${name}`,
      effect: "change",
      json: { Name: name, Driver: driver, DriverOpts: options, Labels: labels },
      timeoutMs: changeMs,
    });
    // For an existing name Docker answers with the volume as it is, whatever the request asked for.
    if (canonicalJson(volumeOf(parseJson(text)).options) === canonicalJson(options)) return;
    throw new ApiError(409, `volume ${name} exists with other options; it was kept`, {
      hint: `move its data, then remove it with \`docker volume rm ${name}\``,
    });
  };

  readonly networks: Engines["networks"] = async (environmentId) => {
    const { text } = await this.#engine.get(environmentId, "/networks", "list the networks");
    return objectsOf(parseJson(text)).map((network) => String(member(network, "Name")));
  };

  readonly createNetwork: Engines["createNetwork"] = async (environmentId, name) => {
    await this.#engine.call(environmentId, {
      method: "POST",
      path: "/networks/create",
      purpose: `create network ${name}`,
      effect: "change",
      json: { Name: name, Driver: "bridge", Attachable: true },
      timeoutMs: changeMs,
    });
  };

  readonly hasImage: Engines["hasImage"] = async (environmentId, image) => {
    const path = `/images/${image.split("/").map(encodeURIComponent).join("/")}/json`;
    return (await this.#engine.get(environmentId, path, `look for image ${image}`, [404])).status === 200;
  };

  readonly pullImage: Engines["pullImage"] = async (environmentId, image, registryId) => {
    const { name, tag } = referenceOf(image);
    // Portainer replaces the number by the registry's credentials.
    const auth = Buffer.from(JSON.stringify({ registryId })).toString("base64");
    const purpose = `pull image ${image}`;
    const { text } = await this.#engine.call(environmentId, {
      method: "POST",
      path: `/images/create?fromImage=${encodeURIComponent(name)}&tag=${encodeURIComponent(tag)}`,
      purpose,
      effect: "change",
      ...(registryId === undefined ? {} : { headers: { "x-registry-auth": auth } }),
      timeoutMs: pullMs,
    });
    // The status only says that pulling began: a later failure is a line of the answer.
    const failures = text.split("\n").map((line) => textOf(parseJson(line), "error"));
    const failure = failures.find((message) => message !== "");
    if (failure !== undefined) throw new ApiError(500, `Docker did not ${purpose}: ${failure}`);
  };

  async #turn(environmentId: number, containerId: string, verb: "start" | "stop"): Promise<void> {
    await this.#engine.call(environmentId, {
      method: "POST",
      path: `/containers/${encodeURIComponent(containerId)}/${verb}`,
      purpose: `${verb} container ${containerId.slice(0, 12)}`,
      effect: "change",
      accept: [304, 404],
      timeoutMs: changeMs,
    });
  }
}

function containerOf(value: unknown): ContainerState {
  const labels = textsOf(member(value, "Labels"));
  const names = member(value, "Names");
  const name = Array.isArray(names) ? String(names[0] ?? "") : "";
  return {
    id: textOf(value, "Id"),
    name: name.replace(/^\//, ""),
    service: labels["com.docker.compose.service"] ?? "",
    image: textOf(value, "Image"),
    state: textOf(value, "State"),
    status: textOf(value, "Status"),
    labels,
    // One entry for each address family.
    ports: objectsOf(member(value, "Ports")).flatMap((each) => {
      const port = numberOf(each, "PublicPort");
      return port === 0 ? [] : [{ port, protocol: textOf(each, "Type") }];
    }),
  };
}

/** Docker's defaults of a health check (26), in nanoseconds as it writes them; it leaves out what is 0. */
const healthDefaults = { interval: 30e9, timeout: 30e9, retries: 3 };

function lifeOf(value: unknown): ContainerLife {
  const check = member(member(value, "Config"), "Healthcheck");
  const interval = numberOf(check, "Interval") || healthDefaults.interval;
  const timeout = numberOf(check, "Timeout") || healthDefaults.timeout;
  const retries = numberOf(check, "Retries") || healthDefaults.retries;
  // Failures count from the end of the start period on; a probe may have begun just before it.
  const longest = numberOf(check, "StartPeriod") + (retries + 1) * (interval + timeout);
  return {
    startedAt: textOf(member(value, "State"), "StartedAt"),
    restarts: numberOf(value, "RestartCount"),
    healthMs: check === undefined ? 0 : longest / 1e6,
  };
}

function volumeOf(value: unknown): VolumeState {
  return {
    name: textOf(value, "Name"),
    driver: textOf(value, "Driver"),
    options: textsOf(member(value, "Options")),
    labels: textsOf(member(value, "Labels")),
  };
}

/** "registry:5000/app" has no tag. Without a tag Docker would pull all tags; a digest counts more than a tag. */
function referenceOf(image: string): { readonly name: string; readonly tag: string } {
  const [reference = "", digest] = image.split("@");
  const colon = reference.indexOf(":", reference.lastIndexOf("/") + 1);
  const name = colon < 0 ? reference : reference.slice(0, colon);
  return { name, tag: digest ?? (colon < 0 ? "latest" : reference.slice(colon + 1)) };
}
