/** The engine's objects as Docker's API and command line print them. Pure but for the clock's time, a parameter. */

import { healthOf } from "./lifecycle.ts";
import { volumeDirectory } from "./mounts.ts";
import {
  composeLabels,
  type EngineImage,
  type EngineNetwork,
  type EngineVolume,
  type LabContainer,
} from "./state.ts";

type Json = Readonly<Record<string, unknown>>;

const never = "0001-01-01T00:00:00Z";

/** Every image has one; Docker puts it into each container's environment. */
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** An entry of `GET /containers/json`. */
export function containerSummary(container: LabContainer, nowMs: number): Json {
  const { id, name, image, imageId, command, createdAt, labels, state } = container;
  return {
    Id: id,
    Names: [`/${name}`],
    Image: image,
    ImageID: imageId,
    Command: command.join(" "),
    Created: Math.floor(createdAt / 1000),
    Ports: container.ports.map((port) => ({
      ...(state === "running" ? { IP: port.address, PublicPort: port.host } : {}),
      PrivatePort: port.container,
      Type: port.protocol,
    })),
    Labels: labels,
    State: state,
    Status: statusText(container, nowMs),
    HostConfig: { NetworkMode: container.networks[0] ?? "default" },
    NetworkSettings: { Networks: networksOf(container) },
    Mounts: mountsJson(container),
  };
}

/** `docker inspect` of a container. */
export function containerInspect(container: LabContainer, nowMs: number): Json {
  const { id, name, image, imageId, command, entrypoint, env, labels, ports, mounts, restart } = container;
  const running = container.state === "running";
  const restarting = container.state === "restarting";
  const [policy = "", most = "0"] = restart.split(":");
  const health = healthOf(container, nowMs);
  const bindings = Object.fromEntries(
    ports.map((port) => [
      `${port.container}/${port.protocol}`,
      [{ HostIp: port.address === "0.0.0.0" ? "" : port.address, HostPort: String(port.host) }],
    ]),
  );
  return {
    Id: id,
    Created: iso(container.createdAt),
    Path: [...entrypoint, ...command][0] ?? "",
    Args: [...entrypoint, ...command].slice(1),
    State: {
      Status: container.state,
      // A container that waits for its next start counts as running.
      Running: running || restarting,
      Paused: false,
      Restarting: restarting,
      OOMKilled: false,
      Dead: false,
      Pid: running ? 1_000 + (Number.parseInt(id.slice(0, 4), 16) % 30_000) : 0,
      ExitCode: container.exitCode,
      Error: container.error,
      StartedAt: iso(container.startedAt),
      FinishedAt: iso(container.finishedAt),
      ...(health === undefined ? {} : { Health: { Status: health, FailingStreak: 0, Log: [] } }),
    },
    Image: imageId,
    Name: `/${name}`,
    RestartCount: container.restarts,
    HostConfig: {
      Binds:
        mounts.length === 0
          ? null
          : mounts.map(({ source, target, readOnly }) => `${source}:${target}:${readOnly ? "ro" : "rw"}`),
      NetworkMode: container.networks[0] ?? "bridge",
      PortBindings: bindings,
      RestartPolicy: { Name: policy === "" ? "no" : policy, MaximumRetryCount: Number(most) },
      Privileged: false,
    },
    Mounts: mountsJson(container),
    Config: {
      Hostname: id.slice(0, 12),
      Env: [...env, path],
      Cmd: command.length === 0 ? null : command,
      Image: image,
      Entrypoint: entrypoint.length === 0 ? null : entrypoint,
      ...healthcheckJson(container),
      Labels: labels,
      ExposedPorts: Object.fromEntries(Object.keys(bindings).map((key) => [key, {}])),
    },
    NetworkSettings: { Ports: running ? bindings : {}, Networks: networksOf(container) },
  };
}

/** Durations in nanoseconds. */
function healthcheckJson({ healthcheck }: LabContainer): Json {
  if (healthcheck === undefined) return {};
  const { intervalMs, startIntervalMs, startPeriodMs, retries, passes } = healthcheck;
  const Healthcheck = {
    Test: ["CMD", passes ? "/bin/true" : "/bin/false"],
    Interval: intervalMs * 1e6,
    StartPeriod: startPeriodMs * 1e6,
    StartInterval: startIntervalMs * 1e6,
    Retries: retries,
  };
  return { Healthcheck };
}

function mountsJson({ mounts }: LabContainer): readonly Json[] {
  return mounts.map(({ type, source, target, readOnly }) => ({
    Type: type,
    ...(type === "volume" ? { Name: source, Driver: "local" } : {}),
    Source: type === "volume" ? volumeDirectory(source) : source,
    Destination: target,
    Mode: readOnly ? "ro" : "rw",
    RW: !readOnly,
  }));
}

function networksOf({ networks }: LabContainer): Json {
  return Object.fromEntries(networks.map((name) => [name, { NetworkID: name }]));
}

export function volumeJson({ name, driver, options, labels, createdAt }: EngineVolume): Json {
  return {
    CreatedAt: iso(createdAt),
    Driver: driver,
    Labels: Object.keys(labels).length === 0 ? null : labels,
    Mountpoint: volumeDirectory(name),
    Name: name,
    Options: Object.keys(options).length === 0 ? null : options,
    Scope: "local",
  };
}

export function imageJson({ id, reference }: EngineImage): Json {
  const [repository = ""] = reference.split(/[:@](?!.*\/)/);
  return {
    Id: id,
    RepoTags: reference.includes("@") ? [] : [reference],
    RepoDigests: [reference.includes("@") ? reference : `${repository}@${id}`],
    Created: never,
    Architecture: "amd64",
    Os: "linux",
    Size: 50_000_000,
  };
}

export function networkJson({ id, name, driver, labels }: EngineNetwork): Json {
  return { Name: name, Id: id, Scope: "local", Driver: driver, Labels: labels };
}

/** A line of `docker ps --format '{{json .}}'`: everything is text there. */
export function psRow(container: LabContainer, nowMs: number): Readonly<Record<string, string>> {
  const { id, name, image, command, labels, ports, mounts, networks, createdAt, state } = container;
  return {
    Command: JSON.stringify(command.join(" ")),
    CreatedAt: `${new Date(createdAt).toISOString().replace("T", " ").slice(0, 19)} +0000 UTC`,
    ID: id.slice(0, 12),
    Image: image,
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    LocalVolumes: String(mounts.filter(({ type }) => type === "volume").length),
    Mounts: mounts.map(({ source }) => source).join(","),
    Names: name,
    Networks: networks.join(","),
    Ports:
      state === "running"
        ? ports.map((port) => `${port.address}:${port.host}->${port.container}/${port.protocol}`).join(", ")
        : "",
    RunningFor: `${durationText(nowMs - createdAt)} ago`,
    Size: "0B",
    State: state,
    Status: statusText(container, nowMs),
  };
}

/** An entry of `docker compose ps --format json`. */
export function composePsRow(container: LabContainer, nowMs: number): Json {
  const { labels, exitCode } = container;
  return {
    ...psRow(container, nowMs),
    Name: container.name,
    Project: labels[composeLabels.project] ?? "",
    Service: labels[composeLabels.service] ?? "",
    ExitCode: exitCode,
    Health: container.state === "running" ? (healthOf(container, nowMs) ?? "") : "",
  };
}

/** "Up 3 minutes (healthy)", "Exited (1) 2 seconds ago". */
function statusText(container: LabContainer, nowMs: number): string {
  const { state, exitCode, startedAt, finishedAt } = container;
  const health = healthOf(container, nowMs);
  switch (state) {
    case "running":
      return `Up ${durationText(nowMs - startedAt)}${health === undefined ? "" : ` (${health === "starting" ? "health: starting" : health})`}`;
    case "exited":
      return `Exited (${exitCode}) ${durationText(nowMs - finishedAt)} ago`;
    case "restarting":
      return `Restarting (${exitCode}) ${durationText(nowMs - finishedAt)} ago`;
    case "created":
      return "Created";
  }
}

/** Docker's way to say a duration (go-units HumanDuration). */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [minutes, hours] = [Math.floor(seconds / 60), Math.round(seconds / 3600)];
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  return hours < 24 * 14 ? `${Math.floor(hours / 24)} days` : `${Math.floor(hours / 24 / 7)} weeks`;
}

function iso(ms: number): string {
  return ms === 0 ? never : new Date(ms).toISOString();
}
