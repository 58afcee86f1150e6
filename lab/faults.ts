/** The lab's fault knobs: what can be broken, on what, and what is broken now. */
import { resolve } from "node:path";
import { UsageError } from "../src/errors.ts";
import { nodesOf } from "./cluster.ts";
import type { FaultName, LabStore } from "./context.ts";
import { type LabFacts, readFacts } from "./facts.ts";
import { readLab } from "./lab-file.ts";
import { createStore } from "./store.ts";

/** One line each, for help. */
export const faultDescriptions: Readonly<Record<FaultName, string>> = {
  "guest-down": "a guest is stopped: no command runs in it and nothing reaches it (target: a guest)",
  "node-down":
    "a node is switched off: it and its guests are gone, and its part of /etc/pve stays (target: a node)",
  "ssh-hang": "ssh to a node is accepted, and nothing answers (target: a node)",
  "no-quorum":
    "a node has lost the cluster: its /etc/pve is read-only; without a target all nodes have (target: a node)",
  partitioned: "a node is cut off from the others, with its guests (target: a node)",
  hang: "commands on a host never answer, until their time is up (target: a host)",
  "exit-1": "every command that changes something on a host fails (target: a host)",
  "disk-full": "no file can be written on a host; none is left half-written (target: a host)",
  refused: "connections are refused (target: a host, or ca, dns, gateway, mesh, portainer, agent)",
  "error-500": "every HTTP request is answered with 500 (target: ca, gateway, mesh, portainer, agent)",
  slow: "commands and connections take VALUE milliseconds longer, 2000 unless given (target: any)",
  "wrong-certificate": "TLS serves a certificate of somebody else (target: ca, gateway, portainer, agent)",
  "expired-token":
    "the login is forgotten after one use (target: portainer), one-time tokens have expired (target: ca)",
  "killed-before-activation":
    "phoenix is killed (SIGKILL) right before the next reload or restart, once (target: a host)",
  "image-missing": "new tasks of a Swarm find no image and are rejected (target: a virtual machine)",
  "task-crash": "new tasks of a Swarm end with 1 as soon as they run (target: a virtual machine)",
  "port-taken": "new tasks of a Swarm wait for their ports in mode host (target: a virtual machine)",
  "overlay-closed":
    "overlay networks carry nothing, while their Swarm calls its nodes Ready (target: a virtual machine)",
};

/** Parts of the fabric that a fault may name besides hosts. */
export const faultRoles = ["ca", "dns", "gateway", "mesh", "portainer", "agent"] as const;

/** Faults of a whole machine: naming a part of the fabric breaks the guest that plays it. */
const hostFaults: readonly FaultName[] = [
  "guest-down",
  "hang",
  "exit-1",
  "disk-full",
  "slow",
  "killed-before-activation",
  "image-missing",
  "task-crash",
  "port-taken",
  "overlay-closed",
];

/** One thing that is broken. */
export interface Fault {
  readonly fault: FaultName;
  /** A host, a guest's name or a part of the fabric; absent means everywhere. */
  readonly target?: string;
  /** What the fault was given besides: milliseconds for `slow`. */
  readonly value?: string;
}

const document = "faults";

export interface LabStatus {
  readonly directory: string;
  /** The root of the site that the lab was made for. */
  readonly site: string;
  readonly created: string;
  readonly faults: readonly Fault[];
  readonly hosts: readonly {
    readonly host: string;
    readonly name: string;
    readonly address?: string;
    /** The node that has the guest, in a cluster. */
    readonly node?: string;
  }[];
}

/**
 * Breaks something until it is mended. Breaking the same thing again replaces its value.
 * @throws UsageError for an unknown fault or target, or a value that it cannot have; SiteError where there is no lab
 */
export function breakLab(directory: string, fault: string, target?: string, value?: string): void {
  readLab(directory);
  const store = createStore(directory);
  const name = faultNamed(fault);
  const where = target === undefined ? undefined : checkedTarget(target, readFacts(store));
  if (value !== undefined) checkValue(name, value);
  const rest = faultsOf(store).filter((each) => each.fault !== name || each.target !== where);
  const added: Fault = {
    fault: name,
    ...(where === undefined ? {} : { target: where }),
    ...(value === undefined ? {} : { value }),
  };
  store.write(document, [...rest, added]);
}

/** Mends one kind of fault, or everything. @throws UsageError, SiteError */
export function mendLab(directory: string, fault?: string): void {
  readLab(directory);
  const store = createStore(directory);
  const name = fault === undefined ? undefined : faultNamed(fault);
  store.write(document, name === undefined ? [] : faultsOf(store).filter((each) => each.fault !== name));
}

/** @throws SiteError where there is no lab */
export function labStatus(directory: string): LabStatus {
  const { site, created } = readLab(directory);
  const store = createStore(directory);
  const facts = readFacts(store);
  const guests = (facts?.guests ?? []).map(({ host, name, address }) => ({
    host,
    name,
    ...(address === undefined ? {} : { address }),
  }));
  const nodes =
    facts === undefined
      ? [{ host: "pve", name: "pve" }]
      : nodesOf({ facts }).map(({ host, name, address }) => ({ host, name, address }));
  return {
    directory: resolve(directory),
    site,
    created,
    faults: faultsOf(store),
    hosts: [...nodes, ...guests],
  };
}

export function faultsOf(store: LabStore): readonly Fault[] {
  return store.read<readonly Fault[]>(document) ?? [];
}

/** Forgets one fault: some mend themselves. */
export function forgetFault(store: LabStore, gone: Fault): void {
  store.write(
    document,
    faultsOf(store).filter(({ fault, target }) => fault !== gone.fault || target !== gone.target),
  );
}

/** The fault that hits `target`, if one does: set on it, on its host by any of its names, or everywhere. Pure. */
export function faultOn(
  faults: readonly Fault[],
  facts: LabFacts,
  name: FaultName,
  target: string,
): Fault | undefined {
  return faults.find(
    (each) =>
      each.fault === name &&
      (each.target === undefined || hits(facts, name, each.target, target.toLowerCase())),
  );
}

function hits(facts: LabFacts, name: FaultName, broken: string, target: string): boolean {
  if (broken === target) return true;
  const hosts = hostsOf(facts, target);
  if (hosts.includes(broken)) return true;
  if (!isRole(broken)) return hostsOf(facts, broken).some((host) => hosts.includes(host));
  // dns runs on the hypervisor, which is more than its name server.
  return (
    !isRole(target) &&
    broken !== "dns" &&
    hostFaults.includes(name) &&
    hostsOf(facts, broken).includes(target)
  );
}

/** The hosts behind a host's own name, a guest's name or a part of the fabric. */
export function hostsOf(facts: LabFacts, target: string): readonly string[] {
  const { roles, portainer, agents } = facts;
  switch (target) {
    case "ca":
    case "gateway":
    case "mesh":
      return roles[target] === undefined ? [] : [roles[target]];
    case "dns":
      return ["pve"];
    case "portainer":
      return portainer === undefined ? [] : [portainer.host];
    case "agent":
      return agents.map(({ host }) => host);
    default:
      return [...(facts.cluster === undefined ? [] : facts.cluster.nodes), ...facts.guests]
        .filter(({ host, name }) => host === target || name.toLowerCase() === target)
        .map(({ host }) => host);
  }
}

function isRole(target: string): boolean {
  return faultRoles.some((role) => role === target);
}

function faultNamed(name: string): FaultName {
  const known = Object.keys(faultDescriptions) as FaultName[];
  const found = known.find((each) => each === name);
  if (found !== undefined) return found;
  throw new UsageError(`unknown fault ${JSON.stringify(name)}`, { hint: `one of ${known.join(", ")}` });
}

/** Only `slow` has a value: milliseconds, as many as a timer of Node's can wait. */
function checkValue(fault: FaultName, value: string): void {
  if (fault !== "slow")
    throw new UsageError(`${fault} takes no value, and was given ${JSON.stringify(value)}`);
  if (/^[1-9]\d{0,8}$/.test(value)) return;
  throw new UsageError(`${JSON.stringify(value)} is not a valid number of milliseconds`, {
    hint: "a whole number from 1 on: phoenix lab break slow portainer 5000",
  });
}

function checkedTarget(target: string, facts: LabFacts | undefined): string {
  const wanted = target.toLowerCase();
  const nodes = facts === undefined ? [] : nodesOf({ facts });
  const machines = [...nodes, ...(facts?.guests ?? [])];
  const known = ["pve", ...faultRoles, ...machines.slice(1).map(({ host }) => host)];
  if (known.includes(wanted) || machines.some(({ name }) => name.toLowerCase() === wanted)) return wanted;
  throw new UsageError(`nothing in the lab is called ${JSON.stringify(target)}`, {
    hint: `one of ${known.join(", ")}, or a guest's name`,
  });
}
