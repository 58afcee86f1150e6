/** Where the mesh reaches a stack's container: the virtual machine's address and the published port. */
import { urlOf } from "../../formats/traefik/index.ts";
import type { Backend } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { DeclaredService, LabelFaults, LabelLine, LabelledContainer } from "./labels.ts";
import { unknownToMesh } from "./url.ts";

export interface ReadBackends {
  /** One for each container of the service, without duplicates. */
  readonly backends: readonly Backend[];
  readonly loadBalancer: Readonly<Record<string, unknown>>;
}

/** The backends of a service, and its load balancer with published ports. */
export function backendsOf(service: DeclaredService, faults: LabelFaults): ReadBackends {
  const backends = new Map<string, Backend>();
  let { loadBalancer } = service;
  for (const container of service.containers) {
    const backend = backendOf(service, container, faults);
    if (backend === undefined) continue;
    backends.set(urlOf(backend), backend);
    // A health check's port is a container port as well.
    const health = service.loadBalancer.healthCheck as { port?: number } | undefined;
    if (health?.port === undefined) continue;
    const published = publishedAt(container, health.port, service.from, faults);
    if (published !== undefined)
      loadBalancer = { ...loadBalancer, healthCheck: { ...health, port: published.port } };
  }
  return { backends: [...backends.values()], loadBalancer };
}

function backendOf(
  service: DeclaredService,
  container: LabelledContainer,
  faults: LabelFaults,
): Backend | undefined {
  const [url, schemeLine, portLine] = ["url", "scheme", "port"].map((field) =>
    service.servers.get(`${container.service} ${field}`),
  );
  if (url !== undefined) {
    if (schemeLine !== undefined || portLine !== undefined)
      faults.warn(
        url.from,
        `service ${service.name} has a URL: its scheme and port are not used`,
        "remove them",
      );
    return backendOfUrl(service, url, faults);
  }
  const scheme = (schemeLine?.value ?? "http").toLowerCase();
  if (scheme !== "http" && scheme !== "https" && scheme !== "h2c") {
    const message = `service ${service.name}: unknown scheme ${JSON.stringify(scheme)}`;
    return faults.error(schemeLine?.from ?? service.from, message, "http, https or h2c");
  }
  const target = targetOf(service, container, portLine, faults);
  if (target === undefined) return undefined;
  const published = publishedAt(container, target, portLine?.from ?? service.from, faults);
  return published === undefined ? undefined : { scheme, ...published };
}

/** The container's port: the one of the label, else the lowest published one, which is Traefik's choice as well. */
function targetOf(
  { name, from }: DeclaredService,
  container: LabelledContainer,
  line: LabelLine | undefined,
  faults: LabelFaults,
): number | undefined {
  if (line !== undefined) {
    const port = Number(line.value);
    if (/^\d+$/.test(line.value) && port >= 1 && port <= 65_535) return port;
    return faults.error(line.from, `service ${name}: ${JSON.stringify(line.value)} is not a valid port`);
  }
  const targets = container.ports.filter(({ protocol }) => protocol === "tcp").map(({ target }) => target);
  const hint = `add the label traefik.http.services.${name}.loadbalancer.server.port=…`;
  if (targets.length === 0) {
    const { service, publisher = service } = container;
    const message = `service ${name}: ${publisher} publishes no port`;
    return faults.error(from, message, `publish the port under "ports" of ${publisher}, and ${hint}`);
  }
  const lowest = Math.min(...targets);
  if (new Set(targets).size > 1)
    faults.warn(from, `service ${name} names no port: the lowest published one is used, ${lowest}`, hint);
  return lowest;
}

/** Where the virtual machine publishes a container's port for the mesh. */
function publishedAt(
  { service, publisher = service, ports, networkMode, address }: LabelledContainer,
  target: number,
  from: SourceRef,
  faults: LabelFaults,
): { readonly address: string; readonly port: number } | undefined {
  if (networkMode === "host") return { address, port: target };
  if (networkMode?.startsWith("container:")) {
    const hint =
      "name the service whose network it is: network_mode: service:…, or add the label …loadbalancer.server.url";
    return faults.error(from, `${service} is in the network of a container outside the stack`, hint);
  }
  const found = ports.filter((port) => port.target === target && port.protocol === "tcp");
  if (found.length === 0) {
    const published = ports.map((port) => port.target).join(", ");
    const others = published === "" ? "" : ` (it publishes ${published})`;
    const whose = publisher === service ? "" : ` of ${publisher}, whose network ${service} uses`;
    const hint = `add ${target} to "ports"${whose}: the mesh reaches the container only through its virtual machine`;
    return faults.error(from, `${publisher} does not publish its port ${target}${others}`, hint);
  }
  const fixed = found.flatMap(({ published, hostIp }) =>
    published === undefined ? [] : [{ address: hostIp ?? address, port: published }],
  );
  const reachable = fixed.find((place) => !place.address.startsWith("127.") && place.address !== "::1");
  if (reachable !== undefined) return reachable;
  const [first] = fixed;
  if (first === undefined) {
    const hint = `publish it at a fixed port: "${target}:${target}"`;
    return faults.error(from, `${publisher} lets Docker choose where its port ${target} is published`, hint);
  }
  const hint = `write "${first.port}:${target}": the mesh is another machine`;
  return faults.error(from, `${publisher} publishes its port ${target} on the loopback address only`, hint);
}

function backendOfUrl(
  { name }: DeclaredService,
  { value, from }: LabelLine,
  faults: LabelFaults,
): Backend | undefined {
  const [, scheme = "", host = "", port = "", path = ""] =
    /^(https?|h2c):\/\/([^/:?#\s]+)(?::(\d+))?(\/[^\s]*)?$/i.exec(value.trim()) ?? [];
  const fail = (message: string, hint?: string): undefined =>
    faults.error(from, `service ${name}: ${message}`, hint);
  if (scheme === "") return fail(`${JSON.stringify(value)} is not a valid URL of a server`);
  if (path !== "" && path !== "/")
    return fail(`Traefik would drop the path ${path} of its URL`, "use a middleware: addprefix.prefix=…");
  const unknown = unknownToMesh(host);
  if (unknown !== undefined) return fail(unknown.message, unknown.hint);
  const known = scheme.toLowerCase() as Backend["scheme"];
  return { scheme: known, address: host, port: Number(port || (known === "https" ? 443 : 80)) };
}
