/**
 * NFS volumes on a machine whose kernel has no NFS: the engine is given a bind of the directory where the machine sees what
 * the server exports (SERVERS/10.0.0.5/export/app), and everybody who asks is shown what was declared. Pure.
 */

import { normalize } from "node:path";

type Json = Readonly<Record<string, unknown>>;

/** The declared options, kept in a label of the volume that nobody is shown. */
const keptIn = "phoenix-testbed.nfs";

/** A volume's creation as the engine gets it. */
export function bound(volume: Json, servers: string): Json {
  const declared = objectOf(volume.DriverOpts);
  if (declared === undefined || !/^nfs4?$/.test(String(declared.type ?? ""))) return volume;
  return {
    ...volume,
    DriverOpts: { type: "none", o: "bind", device: directoryOf(declared, servers) },
    Labels: { ...objectOf(volume.Labels), [keptIn]: JSON.stringify(declared) },
  };
}

/** A container's creation as the engine gets it: its mounts may declare volumes of their own. */
export function boundMounts(container: Json, servers: string): Json {
  const config = objectOf(container.HostConfig);
  return config === undefined ? container : { ...container, HostConfig: withBound(config, servers) };
}

/** A Swarm service's specification as the engine gets it: the volumes of its tasks are made by the engines themselves. */
export function boundTasks(service: Json, servers: string): Json {
  const template = objectOf(service.TaskTemplate);
  const container = objectOf(template?.ContainerSpec);
  if (container === undefined) return service;
  return { ...service, TaskTemplate: { ...template, ContainerSpec: withBound(container, servers) } };
}

function withBound(holder: Json, servers: string): Json {
  if (!Array.isArray(holder.Mounts)) return holder;
  const mounts = holder.Mounts.map((mount: Json) => {
    const options = objectOf(mount.VolumeOptions);
    const driver = objectOf(options?.DriverConfig);
    if (options === undefined || driver === undefined) return mount;
    const { DriverOpts, Labels } = bound({ DriverOpts: driver.Options, Labels: options.Labels }, servers);
    return {
      ...mount,
      VolumeOptions: { ...options, Labels, DriverConfig: { ...driver, Options: DriverOpts } },
    };
  });
  return { ...holder, Mounts: mounts };
}

/** An answer with volumes, or with mounts that declare some, as they were declared. */
export function asDeclared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asDeclared);
  const object = objectOf(value);
  if (object === undefined) return value;
  const { [keptIn]: kept, ...labels } = objectOf(object.Labels) ?? {};
  const none = Object.keys(labels).length === 0;
  const driver = objectOf(object.DriverConfig);
  if (typeof kept === "string" && driver !== undefined)
    return {
      ...object,
      Labels: none ? undefined : labels,
      DriverConfig: { ...driver, Options: JSON.parse(kept) },
    };
  if (typeof kept === "string") return { ...object, Options: JSON.parse(kept), Labels: none ? null : labels };
  return Object.fromEntries(Object.entries(object).map(([key, each]) => [key, asDeclared(each)]));
}

/** The engine's words about a bind that failed, as they would be about NFS. */
export function inWordsOfNfs(text: string, servers: string): string {
  return text.replace(/mount (\/[^:"]*):([^:,"]*), flags: 0x1000:/g, (all, directory: string, at: string) => {
    if (!directory.startsWith(`${servers}/`)) return all;
    const [, server = "", path = ""] = /^([^/]*)(.*)$/.exec(directory.slice(servers.length + 1)) ?? [];
    return `mount :${path}:${at}, data: addr=${server}:`;
  });
}

/** Not there when the server does not export it: the mount fails when a container starts, as NFS's does. */
function directoryOf({ device, o }: Json, servers: string): string {
  const [, inDevice = "", path = ""] = /^([^/]*):(\/.*)$/.exec(String(device ?? "")) ?? [];
  const server = /(?:^|,)addr=([^,/]+)/.exec(String(o ?? ""))?.[1] ?? inDevice;
  return `${servers}/${server}${normalize(path)}`.replace(/\/$/, "");
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
