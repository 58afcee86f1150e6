/** A Swarm's objects as Docker's API prints them (26.1, API 1.45). Pure. */
import type { YamlObject } from "../compose-values.ts";
import {
  nameOf,
  type ServicePort,
  type Stamp,
  type SwarmNetwork,
  type SwarmNode,
  type SwarmObject,
  type SwarmService,
  type SwarmState,
  type SwarmTask,
} from "./state.ts";

type Json = Readonly<Record<string, unknown>>;

const stampJson = ({ id, version, createdAt, updatedAt }: Stamp): Json => ({
  ID: id,
  Version: { Index: version },
  CreatedAt: iso(createdAt),
  UpdatedAt: iso(updatedAt),
});

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** What every object's certificate says in the lab. */
const tlsInfo = { TrustRoot: "", CertIssuerSubject: "", CertIssuerPublicKey: "" };

export function nodeJson(node: SwarmNode, isLeader: boolean, isReachable: boolean): Json {
  const { role, acts, availability, labels, hostname, address, state } = node;
  return {
    ...stampJson(node),
    Spec: { Labels: labels, Role: role, Availability: availability },
    Description: {
      Hostname: hostname,
      Platform: { Architecture: "x86_64", OS: "linux" },
      Resources: { NanoCPUs: 2e9, MemoryBytes: 4_000_000_000 },
      Engine: {
        EngineVersion: "26.1.5",
        Plugins: [
          { Type: "Log", Name: "json-file" },
          { Type: "Network", Name: "bridge" },
          { Type: "Network", Name: "overlay" },
          { Type: "Volume", Name: "local" },
        ],
      },
      TLSInfo: tlsInfo,
    },
    Status: {
      State: state,
      ...(state === "down" ? { Message: "heartbeat failure" } : {}),
      Addr: address,
    },
    ...(acts === "manager"
      ? {
          ManagerStatus: {
            ...(isLeader ? { Leader: true } : {}),
            Reachability: isReachable ? "reachable" : "unreachable",
            Addr: `${address}:2377`,
          },
        }
      : {}),
  };
}

/** The cluster: with its tokens for `GET /swarm`, without them for `/info`. */
export function clusterJson(swarm: SwarmState, withTokens: boolean): Json {
  const { tokens, labels, pools } = swarm;
  return {
    ...stampJson(swarm),
    Spec: {
      Name: "default",
      Labels: labels,
      Orchestration: { TaskHistoryRetentionLimit: 5 },
      Raft: {
        SnapshotInterval: 10_000,
        KeepOldSnapshots: 0,
        LogEntriesForSlowFollowers: 500,
        ElectionTick: 10,
        HeartbeatTick: 1,
      },
      Dispatcher: { HeartbeatPeriod: 5e9 },
      CAConfig: { NodeCertExpiry: 7_776_000_000_000_000 },
      TaskDefaults: {},
      EncryptionConfig: { AutoLockManagers: false },
    },
    TLSInfo: tlsInfo,
    RootRotationInProgress: false,
    DefaultAddrPool: pools,
    SubnetSize: 24,
    DataPathPort: 4789,
    ...(withTokens ? { JoinTokens: { Worker: tokens.worker, Manager: tokens.manager } } : {}),
  };
}

const portJson = ({ protocol, target, published, mode }: ServicePort): Json => ({
  Protocol: protocol,
  TargetPort: target,
  ...(published === 0 ? {} : { PublishedPort: published }),
  PublishMode: mode,
});

export function serviceJson(swarm: SwarmState, service: SwarmService, withStatus: boolean): Json {
  const { id, spec, previous, update, ports, addresses } = service;
  const isVirtual = addresses.length > 0;
  const tasks = swarm.tasks.filter((task) => task.service === id);
  return {
    ...stampJson(service),
    Spec: spec,
    ...(previous === undefined ? {} : { PreviousSpec: previous }),
    Endpoint: {
      Spec:
        ports.length > 0 || isVirtual
          ? {
              Mode: isVirtual ? "vip" : "dnsrr",
              ...(ports.length === 0 ? {} : { Ports: ports.map(portJson) }),
            }
          : {},
      ...(ports.length === 0 ? {} : { Ports: ports.map(portJson) }),
      ...(isVirtual
        ? { VirtualIPs: addresses.map(({ network, address }) => ({ NetworkID: network, Addr: address })) }
        : {}),
    },
    ...(update === undefined
      ? {}
      : {
          UpdateStatus: {
            State: update.state,
            StartedAt: iso(update.startedAt),
            ...(update.completedAt === undefined ? {} : { CompletedAt: iso(update.completedAt) }),
            Message: update.message,
          },
        }),
    ...(withStatus
      ? {
          ServiceStatus: {
            RunningTasks: tasks.filter(({ state, desired }) => state === "running" && desired === "running")
              .length,
            DesiredTasks: tasks.filter(({ desired }) => desired === "running").length,
            CompletedTasks: tasks.filter(({ state }) => state === "complete").length,
          },
        }
      : {}),
  };
}

export function taskJson(swarm: SwarmState, task: SwarmTask): Json {
  const { spec, service, slot, node, state, message, error, since, desired, startedAt, exitCode } = task;
  const replicated = /^\d+$/.test(slot);
  const bound = task.ports.filter(({ mode }) => mode === "host" && state === "running").map(portJson);
  const hasContainer = startedAt !== undefined || state === "rejected";
  return {
    ...stampJson(task),
    Labels: {},
    Spec: spec,
    ServiceID: service,
    ...(replicated ? { Slot: Number(slot) } : {}),
    ...(node === "" ? {} : { NodeID: node }),
    Status: {
      Timestamp: iso(since),
      State: state,
      Message: message,
      ...(error === undefined ? {} : { Err: error }),
      ...(hasContainer
        ? {
            ContainerStatus: {
              ContainerID: startedAt === undefined ? "" : task.container,
              PID:
                state === "running" ? 1_000 + (Number.parseInt(task.container.slice(0, 4), 16) % 30_000) : 0,
              ExitCode: exitCode ?? 0,
            },
          }
        : {}),
      PortStatus: bound.length === 0 ? {} : { Ports: bound },
    },
    DesiredState: desired,
    ...(task.addresses.length === 0
      ? {}
      : {
          NetworksAttachments: task.addresses.flatMap(({ network, address }) => {
            const found = swarm.networks.find(({ id }) => id === network);
            return found === undefined ? [] : [{ Network: attachedJson(found), Addresses: [address] }];
          }),
        }),
    Volumes: null,
  };
}

function attachedJson(network: SwarmNetwork): Json {
  const { name, labels, ingress, attachable } = network;
  return {
    ...stampJson(network),
    Spec: {
      Name: name,
      Labels: labels,
      DriverConfiguration: ingress ? {} : { Name: "overlay" },
      ...(attachable ? { Attachable: true } : {}),
      ...(ingress ? { Ingress: true, IPAMOptions: { Driver: {} } } : {}),
      Scope: "swarm",
    },
    DriverState: { Name: "overlay", Options: overlayOptions(network) },
    IPAMOptions: { Driver: { Name: "default" }, Configs: [subnetOf(network)] },
  };
}

const overlayOptions = ({ subnet, options }: SwarmNetwork): Json => ({
  "com.docker.network.driver.overlay.vxlanid_list": String(4096 + subnet),
  ...options,
});

const subnetOf = ({ base }: SwarmNetwork): Json => ({ Subnet: `${base}.0/24`, Gateway: `${base}.1` });

/** An entry of `GET /networks`. */
export function overlayJson(network: SwarmNetwork): Json {
  const { id, name, createdAt, labels, attachable, internal, ingress } = network;
  return {
    Name: name,
    Id: id,
    Created: iso(createdAt),
    Scope: "swarm",
    Driver: "overlay",
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: [subnetOf(network)] },
    Internal: internal,
    Attachable: attachable,
    Ingress: ingress,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: null,
    Options: overlayOptions(network),
    Labels: labels,
  };
}

/** A secret's data is never told. */
export function objectJson(kind: "secret" | "config", object: SwarmObject): Json {
  const { name, labels, data } = object;
  return {
    ...stampJson(object),
    Spec: { Name: name, Labels: labels, ...(kind === "config" ? { Data: data } : {}) },
  };
}

/** By its id, its name, or the beginning of its id. */
export function named<T extends Stamp>(
  all: readonly T[],
  wanted: string,
  name: (object: T) => string,
): T | undefined {
  const begun = all.filter(({ id }) => id.startsWith(wanted));
  return (
    all.find(({ id }) => id === wanted) ??
    all.find((each) => name(each) === wanted) ??
    (wanted !== "" && begun.length === 1 ? begun[0] : undefined)
  );
}

export function serviceNamed(swarm: SwarmState, wanted: string): SwarmService | undefined {
  return named(swarm.services, wanted, nameOf);
}

/** Docker's filters: `{"label": ["a=b"]}` or `{"label": {"a=b": true}}`. */
export function filtersIn(text: string | null): ReadonlyMap<string, readonly string[]> {
  const value: unknown = text === null || text === "" ? {} : JSON.parse(text);
  return new Map(
    Object.entries(value as YamlObject).map(([key, each]) => [
      key,
      Array.isArray(each) ? each.map(String) : Object.keys(Object(each)),
    ]),
  );
}

/** "KEY" or "KEY=VALUE". */
export function hasLabel(labels: YamlObject, wanted: string): boolean {
  const [key = "", ...value] = wanted.split("=");
  return Object.hasOwn(labels, key) && (value.length === 0 || String(labels[key]) === value.join("="));
}
