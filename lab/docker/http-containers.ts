/** Containers in the engine's HTTP API. */
import { type ApiResponse, json } from "../api-server.ts";
import { isYamlObject, type YamlObject } from "./compose-values.ts";
import { bodyOf, type EngineCall, isTrue, texts } from "./http-request.ts";
import { containerSummary } from "./json.ts";
import type { ContainerMount, LabContainer } from "./state.ts";

export function listContainers({ docker, request }: EngineCall): ApiResponse {
  const filters: unknown = JSON.parse(request.query.get("filters") ?? "{}");
  const all = isTrue(request.query.get("all"));
  const shown = docker.state.containers.filter(
    (container) =>
      (all || container.state === "running") && matches(container, isYamlObject(filters) ? filters : {}),
  );
  return json(
    200,
    shown.map((container) => containerSummary(container, docker.context.clock.now())),
  );
}

/** Filters are lists, or Docker's older maps {"value": true}. */
function matches({ labels, name, state }: LabContainer, filters: YamlObject): boolean {
  const wanted = (key: string): readonly string[] => {
    const values = filters[key];
    return isYamlObject(values) ? Object.keys(values) : Array.isArray(values) ? values.map(String) : [];
  };
  const labelled = wanted("label").every((label) => {
    const [key = "", ...value] = label.split("=");
    return value.length === 0 ? Object.hasOwn(labels, key) : labels[key] === value.join("=");
  });
  const named =
    wanted("name").length === 0 || wanted("name").some((each) => name.includes(each.replace(/^\//, "")));
  return labelled && named && (wanted("status").length === 0 || wanted("status").includes(state));
}

export function createContainer({ docker, request }: EngineCall): ApiResponse {
  const body = bodyOf(request);
  const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
  const settings = isYamlObject(body.HostConfig) ? body.HostConfig : {};
  const { id } = docker.create({
    name: request.query.get("name") ?? `lab_${Date.now().toString(36)}`,
    image: String(body.Image ?? ""),
    command: list(body.Cmd),
    entrypoint: list(body.Entrypoint),
    env: list(body.Env),
    labels: texts(body.Labels),
    ports: [],
    mounts: [...list(settings.Binds).map(bindOf), ...mountsOf(settings.Mounts)],
    networks: ["bridge"],
    restart: "no",
  });
  return json(201, { Id: id, Warnings: [] });
}

/** "data:/data:ro" */
function bindOf(bind: string): ContainerMount {
  const [source = "", target = "", mode = ""] = bind.split(":");
  const type = source.startsWith("/") ? "bind" : "volume";
  return { type, source, target, readOnly: mode.includes("ro"), create: true };
}

function mountsOf(mounts: unknown): readonly ContainerMount[] {
  const all: readonly unknown[] = Array.isArray(mounts) ? mounts : [];
  return all.filter(isYamlObject).map(({ Type, Source, Target, ReadOnly }) => ({
    type: Type === "volume" ? "volume" : "bind",
    source: String(Source ?? ""),
    target: String(Target ?? ""),
    readOnly: ReadOnly === true,
    create: false,
  }));
}

/** Frames of standard error: the number 2, three zero bytes, the length, the line. */
export function logs({ docker, name, request }: EngineCall): ApiResponse {
  const { log } = docker.container(name);
  const tail = Number(request.query.get("tail") ?? log.length);
  const frames = (Number.isNaN(tail) ? log : log.slice(Math.max(0, log.length - tail))).map((line) => {
    const text = Buffer.from(`${line}\n`);
    const header = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, text]);
  });
  return {
    status: 200,
    headers: { "content-type": "application/vnd.docker.multiplexed-stream" },
    body: Buffer.concat(frames),
  };
}
