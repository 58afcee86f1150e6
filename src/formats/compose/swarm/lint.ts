/** What a Swarm refuses in a Compose file, and what it ignores without a word: docker/cli and engine 26.1.5. Pure. */
import { isScalar, visit } from "yaml";
import type { ComposeDocument, ComposeFault, ComposeNode, Member } from "../document.ts";
import { mountsOf } from "../mounts.ts";
import { portsOf } from "../ports.ts";
import { stackShapeFaults } from "./shapes.ts";

/** @param members how many machines the Swarm has; @param shared whether every member sees a path of its machines */
export function stackFaults(
  document: ComposeDocument,
  { members, shared }: { readonly members: number; readonly shared: (path: string) => boolean },
): readonly ComposeFault[] {
  if (!document.isValid || !document.root.isMapping) return [];
  const faults = [
    ...stackShapeFaults(document),
    ...variableFaults(document),
    ...versionFaults(document),
    ...document.services.members.flatMap((service) => [
      ...ignoredKeys(service),
      ...portFaults(service, members),
      ...mountFaults(document, service, shared),
    ]),
  ];
  return faults.map((fault) => ({ ...fault, ofSwarm: true }));
}

const ignored = new Map([
  ["container_name", "a Swarm ignores it: it names each task's container itself"],
  ["restart", "a Swarm ignores it: set deploy.restart_policy"],
  ["links", "a Swarm ignores it: services of a network reach each other by their names"],
  ["external_links", "a Swarm ignores it: put both into one overlay network"],
  ["depends_on", "a Swarm does not honor the order: a service must wait for what it needs by itself"],
  ["network_mode", "a Swarm ignores it: the service joins the stack's own network"],
  ["privileged", "a Swarm ignores it: its containers are never privileged"],
  ["devices", "a Swarm ignores it: its containers get no devices"],
  ["ipc", "a Swarm ignores it"],
  ["pid", "a Swarm ignores it"],
  ["mac_address", "a Swarm ignores it"],
  ["userns_mode", "a Swarm ignores it"],
  ["security_opt", "a Swarm ignores it"],
  ["shm_size", "a Swarm ignores it: mount a tmpfs at /dev/shm"],
  ["tmpfs", "a Swarm ignores it: write it as type: tmpfs under volumes"],
  ["domainname", "a Swarm ignores it"],
  ["cgroup_parent", "a Swarm ignores it"],
  ["cgroupns_mode", "a Swarm ignores it"],
  ["expose", "a Swarm ignores it: services of a network reach every port"],
]);

function ignoredKeys({ key: name, value }: Member): readonly ComposeFault[] {
  return value.members.flatMap(({ key, place, value: own }): readonly ComposeFault[] => {
    const why = ignored.get(key);
    if (why === undefined) return [];
    // A map is refused as such.
    if (key === "depends_on" && own.isMapping) return [];
    if (key === "restart" && !value.get("deploy").get("restart_policy").isNull) return [];
    if (key === "network_mode" && own.text === "host")
      return [
        {
          message: `network_mode: host of service ${name}: a Swarm ignores it, and the service joins the stack's own network`,
          place,
          severity: "warning",
          hint: 'declare the network "host" with external: true and name it under networks, or publish ports with mode: host',
        },
      ];
    return [{ message: `${key} of service ${name}: ${why}`, place, severity: "warning" }];
  });
}

/** A file of version 2 is read as one of version 3 where it has no version. */
function versionFaults({ root }: ComposeDocument): readonly ComposeFault[] {
  const version = root.member("version");
  const text = version?.value.text;
  if (version === undefined || text === undefined || /^3(?:\.\d+)?$/.test(text)) return [];
  const message = `docker stack deploy refuses version ${JSON.stringify(text)}`;
  return [{ message, place: version.value.place, hint: "remove the line" }];
}

/** Forms of variables that Compose alone understands: `${X:+other}`, and a variable in a default. */
function variableFaults(document: ComposeDocument): readonly ComposeFault[] {
  const faults: ComposeFault[] = [];
  visit(document.yaml, {
    Scalar: (key, node) => {
      if (key === "key" || !isScalar(node) || typeof node.value !== "string") return;
      const text = node.value.replaceAll("$$", "");
      const place = document.placeOf(node);
      if (/\$\{\w+:?\+/.test(text))
        faults.push({
          message: "docker stack deploy refuses a variable with +",
          place,
          hint: "it knows defaults (:- and -) and errors (:? and ?) alone",
        });
      else if (/\$\{\w+:?[-?][^}]*\$/.test(text))
        faults.push({
          message: "docker stack deploy does not fill in a variable in the default of another one",
          place,
          hint: 'give the outer variable its value under "variables" in phoenix.json',
        });
    },
  });
  return faults;
}

function portFaults({ key: name, value }: Member, members: number): readonly ComposeFault[] {
  const faults: ComposeFault[] = [];
  const deploy = value.get("deploy");
  const { ports } = portsOf(value);
  const isGlobal = deploy.get("mode").text === "global";
  const replicas = Number(deploy.get("replicas").text ?? "1");
  for (const { hostIp, published, mode, place } of ports) {
    if (hostIp !== undefined)
      faults.push({
        message: `a Swarm publishes port ${published ?? ""} of ${name} at every address, not only at ${hostIp}`,
        place,
        severity: "warning",
        hint: "let the firewall of the members close it",
      });
    if (mode === "host" && published !== undefined && !isGlobal && replicas > members)
      faults.push({
        message: `${name} has ${replicas} replicas that publish port ${published} with mode: host, and the Swarm has ${members === 1 ? "1 member" : `${members} members`}: the others never start`,
        place,
        hint: "set deploy.mode: global, or fewer replicas",
      });
    const isFull = isGlobal || replicas >= members;
    const order = deploy.get("update_config").get("order").text;
    if (mode === "host" && published !== undefined && order === "start-first" && isFull)
      faults.push({
        message: `${name} publishes port ${published} with mode: host and is updated with order: start-first: the new task waits forever for the old one's port`,
        place,
        hint: "set deploy.update_config.order: stop-first",
      });
    if (mode !== "host" && published !== undefined && deploy.get("endpoint_mode").text === "dnsrr")
      faults.push({
        message: `a Swarm refuses endpoint_mode: dnsrr of ${name} with port ${published}, which every member publishes`,
        place,
        hint: "publish it with mode: host, or remove endpoint_mode",
      });
  }
  return faults;
}

/** What every machine has: its whole tree, its kernel, Docker, what tells who it is. */
const everywhere =
  /^\/(?:(?:proc|sys|dev|run|var\/run|var\/log|var\/lib\/docker)(?:\/.*)?|etc\/(?:localtime|timezone|hostname|hosts|os-release|machine-id))?$/;

function mountFaults(
  document: ComposeDocument,
  { key: name, value }: Member,
  shared: (path: string) => boolean,
): readonly ComposeFault[] {
  const isBound = isPlaced(value.get("deploy"));
  return mountsOf(value).flatMap(({ type, source, node }): readonly ComposeFault[] => {
    const { place } = node;
    // In the long form the node is the source alone.
    if (/^[A-Za-z]$/.test(source) && node.text?.startsWith(`${source}:`) === true)
      return [
        {
          message: `docker stack deploy takes ${JSON.stringify(node.text)} for a path of Windows`,
          place,
          hint: "give the volume a longer name, or write the mount in the long form",
        },
      ];
    if (type === "bind" && source.startsWith("/") && !everywhere.test(source) && !shared(source) && !isBound)
      return [
        {
          message: `${source} of ${name} must exist on every member of the Swarm: a task is rejected where it does not`,
          place,
          severity: "warning",
          hint: "put it into the stack's directory (./…), or name the member under deploy.placement.constraints",
        },
      ];
    if (type === "volume" && source !== "" && isLocal(document.root.get("volumes").get(source)) && !isBound)
      return [
        {
          message: `volume ${source} of ${name} is another one on each member: a task that moves starts with an empty one`,
          place,
          severity: "warning",
          hint: 'declare it with external: true and give it a directory of the share under "volumes" in phoenix.json, or name the member under deploy.placement.constraints',
        },
      ];
    return [];
  });
}

/** Whether its tasks run where the file says, or on every member. */
function isPlaced(deploy: ComposeNode): boolean {
  const constraints = deploy.get("placement").get("constraints").items;
  return constraints.some(({ text }) => /^\s*node\.(?:hostname|id|labels\.[^=!]+)\s*==/.test(text ?? ""));
}

/** Whether each member has a volume of its own. */
function isLocal(volume: ComposeNode): boolean {
  const driver = volume.get("driver").text ?? "local";
  return driver === "local" && volume.get("driver_opts").isNull && volume.get("external").isNull;
}
