/** Where the mesh reaches a stack's container: the virtual machine's address and the published port. */
import { defined } from "../../defined.ts";
import { urlOf } from "../../formats/traefik/index.ts";
import type { Backend } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { DeclaredService, LabelFault, LabelLine, LabelledContainer } from "./labels.ts";
import { unknownToMesh } from "./url.ts";

export interface ReadBackends {
  /** One for each container of the service, without duplicates. */
  readonly backends: readonly Backend[];
  readonly loadBalancer: Readonly<Record<string, unknown>>;
  readonly faults: readonly LabelFault[];
}

/** The backends of a service, and its load balancer with published ports. */
export function backendsOf(service: DeclaredService): ReadBackends {
  const faults: LabelFault[] = [];
  const backends = new Map<string, Backend>();
  let { loadBalancer } = service;
  for (const container of service.containers) {
    const backend = backendOf(service, container, faults);
    if (backend === undefined) continue;
    backends.set(urlOf(backend), backend);
    loadBalancer = withHealthPort(service, container, loadBalancer, faults);
  }
  return { backends: [...backends.values()], loadBalancer, faults };
}

function backendOf(
  service: DeclaredService,
  container: LabelledContainer,
  faults: LabelFault[],
): Backend | undefined {
  const declared = (field: string): LabelLine | undefined =>
    service.servers.get(`${container.service} ${field}`);
  const url = declared("url");
  if (url !== undefined) return backendOfUrl(service, url, faults);
  const schemeLine = declared("scheme");
  const scheme = (schemeLine?.value ?? "http").trim().toLowerCase();
  if (scheme !== "http" && scheme !== "https" && scheme !== "h2c") {
    faults.push({
      message: `service ${service.name}: unknown scheme ${JSON.stringify(scheme)}`,
      place: schemeLine?.from ?? service.from,
      hint: "http, https or h2c",
    });
    return undefined;
  }
  const target = targetOf(service, container, declared("port"), faults);
  if (target === undefined) return undefined;
  const place = publishedAt(container, target, declared("port")?.from ?? service.from, faults);
  return place === undefined ? undefined : { scheme, ...place };
}

/** The container's port: the one of the label, else the lowest published one, which is Traefik's choice as well. */
function targetOf(
  service: DeclaredService,
  container: LabelledContainer,
  line: LabelLine | undefined,
  faults: LabelFault[],
): number | undefined {
  if (line !== undefined) {
    const port = Number(line.value);
    if (/^\d+$/.test(line.value.trim()) && port >= 1 && port <= 65_535) return port;
    faults.push({
      message: `service ${service.name}: ${JSON.stringify(line.value)} is not a valid port`,
      place: line.from,
    });
    return undefined;
  }
  const targets = container.ports.filter(({ protocol }) => protocol === "tcp").map(({ target }) => target);
  const hint = `add the label traefik.http.services.${service.name}.loadbalancer.server.port=…`;
  if (targets.length === 0) {
    faults.push({
      message: `service ${service.name}: ${container.service} publishes no port`,
      place: service.from,
      hint: `publish the port under "ports" and ${hint}`,
    });
    return undefined;
  }
  const lowest = Math.min(...targets);
  if (new Set(targets).size > 1)
    faults.push({
      message: `service ${service.name} names no port: the lowest published one is used, ${lowest}`,
      place: service.from,
      severity: "warning",
      hint,
    });
  return lowest;
}

/** Where the virtual machine publishes a container's port for the mesh. */
function publishedAt(
  { service, ports, networkMode, address }: LabelledContainer,
  target: number,
  from: SourceRef,
  faults: LabelFault[],
): { readonly address: string; readonly port: number } | undefined {
  if (networkMode === "host") return { address, port: target };
  const found = ports.filter((port) => port.target === target && port.protocol === "tcp");
  const fail = (message: string, hint: string): undefined => {
    faults.push({ message, place: from, hint });
    return undefined;
  };
  if (found.length === 0) {
    const published = ports.map((port) => port.target).join(", ");
    return fail(
      `${service} does not publish its port ${target}${published === "" ? "" : ` (it publishes ${published})`}`,
      `add ${target} to "ports": the mesh reaches the container only through its virtual machine`,
    );
  }
  const fixed = found.flatMap(({ published, hostIp }) =>
    published === undefined ? [] : [{ address: hostIp ?? address, port: published }],
  );
  const reachable = fixed.find((place) => !place.address.startsWith("127.") && place.address !== "::1");
  if (reachable !== undefined) return reachable;
  return fixed.length > 0
    ? fail(
        `${service} publishes its port ${target} on the loopback address only`,
        `write "${fixed[0]?.port}:${target}": the mesh is another machine`,
      )
    : fail(
        `${service} lets Docker choose where its port ${target} is published`,
        `publish it at a fixed port: "${target}:${target}"`,
      );
}

/** A health check's port is a container port as well. */
function withHealthPort(
  service: DeclaredService,
  container: LabelledContainer,
  loadBalancer: Readonly<Record<string, unknown>>,
  faults: LabelFault[],
): Readonly<Record<string, unknown>> {
  const health = service.loadBalancer.healthCheck as { port?: number } | undefined;
  if (health?.port === undefined) return loadBalancer;
  const place = publishedAt(container, health.port, service.from, faults);
  return place === undefined
    ? loadBalancer
    : { ...loadBalancer, healthCheck: { ...health, port: place.port } };
}

function backendOfUrl(service: DeclaredService, line: LabelLine, faults: LabelFault[]): Backend | undefined {
  const [, scheme = "", host = "", port = "", path = ""] =
    /^(https?|h2c):\/\/([^/:?#\s]+)(?::(\d+))?(\/[^\s]*)?$/i.exec(line.value.trim()) ?? [];
  const fail = (message: string, hint?: string): undefined => {
    faults.push(defined({ message: `service ${service.name}: ${message}`, place: line.from, hint }));
    return undefined;
  };
  if (scheme === "") return fail(`${JSON.stringify(line.value)} is not a valid URL of a server`);
  if (path !== "" && path !== "/")
    return fail(`Traefik would drop the path ${path} of its URL`, "use a middleware: addprefix.prefix=…");
  const unknown = unknownToMesh(host);
  if (unknown !== undefined) return fail(unknown.message, unknown.hint);
  const known = scheme.toLowerCase() as Backend["scheme"];
  return { scheme: known, address: host, port: port === "" ? (known === "https" ? 443 : 80) : Number(port) };
}
