/** Reading a stack's Traefik labels: routers, services and middlewares, collected from all its containers. */
import { fieldNamed, loadBalancerFields, middlewareFields, setField } from "../../formats/traefik/fields.ts";
import {
  type DeclaredMiddleware,
  type DeclaredRouter,
  type DeclaredService,
  type LabelFaults,
  type LabelLine,
  type LabelledContainer,
  type Labels,
  newService,
} from "./labels.ts";
import { authAddressFault } from "./url.ts";

/** Usual names of the two entry points; the mesh has one. */
const entryPoints: readonly string[] = ["web", "websecure", "http", "https"];

/** Reads the labels of all containers of one stack. */
export function readLabels(containers: readonly LabelledContainer[], faults: LabelFaults): Labels {
  const reader = new LabelReader(faults);
  for (const container of containers) reader.read(container);
  return reader.labels();
}

type Growing<T> = { -readonly [K in keyof T]: T[K] };

class LabelReader {
  readonly #routers = new Map<string, Growing<DeclaredRouter>>();
  readonly #services = new Map<string, Growing<DeclaredService>>();
  readonly #middlewares = new Map<string, DeclaredMiddleware & { options: Record<string, unknown> }>();
  readonly #secure = new Set<string>();
  readonly #faults: LabelFaults;
  /** Lines by the field they set: the containers of one stack must agree. */
  readonly #lines = new Map<string, LabelLine>();

  constructor(faults: LabelFaults) {
    this.#faults = faults;
  }

  labels(): Labels {
    const [routers, services, middlewares] = [this.#routers, this.#services, this.#middlewares];
    for (const [name, { options, from }] of middlewares) {
      const types = Object.keys(options);
      if (types.length > 1)
        this.#faults.error(from, `middleware ${name} has several types: ${types.join(", ")}`);
      const message = `middleware ${name}: error pages from a service of the stack are not supported`;
      if (options.errors !== undefined) this.#faults.error(from, message);
    }
    return { routers, services, middlewares, secure: this.#secure };
  }

  read(container: LabelledContainer): undefined {
    const lines = container.labels.filter(({ key }) => /^traefik\./i.test(key));
    const enable = lines.find(({ key }) => key.toLowerCase() === "traefik.enable");
    const [first] = lines;
    if (first === undefined) return;
    const message = `${container.service} is not routed: it lacks the label traefik.enable=true`;
    if (enable === undefined) return this.#faults.warn(first.from, message);
    if (!/^(true|t|1)$/i.test(enable.value.trim())) return;
    // Labels written for a Compose file have their dollar signs doubled.
    for (const line of lines)
      if (line !== enable) this.#line(container, { ...line, value: line.value.replaceAll("$$", "$") });
  }

  #line(container: LabelledContainer, line: LabelLine): undefined {
    const { key, from } = line;
    if (!key.startsWith("traefik."))
      return this.#faults.error(from, `label ${key} must begin with "traefik." in lower case`);
    const [, protocol = "", kind = "", name = "", ...path] = key.split(".");
    switch (protocol.toLowerCase()) {
      case "docker":
      case "swarm":
      case "tls":
        return;
      case "tcp":
      case "udp":
        return this.#faults.warn(from, `label ${key} is not used: the mesh routes HTTP only`);
      case "http":
        break;
      default:
        return this.#faults.warn(from, `Traefik does not know the label ${key}`);
    }
    if (name === "" || path.length === 0) return this.#faults.error(from, `label ${key} is incomplete`);
    if (kind.toLowerCase() === "routers") return this.#router(container, line, name, path);
    if (kind.toLowerCase() === "services") return this.#service(container, line, name, path);
    if (kind.toLowerCase() === "middlewares") return this.#middleware(line, name, path);
    this.#faults.error(from, `Traefik does not know the label ${key}`);
  }

  #router(container: LabelledContainer, line: LabelLine, name: string, path: readonly string[]): undefined {
    const { key, value, from } = line;
    const { stack } = container;
    const created = { stack, middlewares: [], containers: [], from };
    const router: Growing<DeclaredRouter> = this.#routers.get(name) ?? created;
    this.#routers.set(name, router);
    if (!router.containers.includes(container)) router.containers = [...router.containers, container];
    const field = path[0]?.toLowerCase() ?? "";
    if (field === "tls") {
      this.#secure.add(`${stack}-${name}`);
      return;
    }
    if (!this.#isFirst(`router ${name}.${field}`, line)) return;
    switch (field) {
      case "rule":
        router.rule = value;
        router.from = from;
        return;
      case "entrypoints":
        return this.#entryPoints(container, name, line);
      case "service":
        router.service = value.trim();
        return;
      case "middlewares":
        router.middlewares = listOf(value);
        return;
      case "priority":
        if (/^-?\d+$/.test(value.trim())) router.priority = Number(value);
        else
          this.#faults.error(from, `router ${name}: priority ${JSON.stringify(value)} is not a valid number`);
        return;
      case "rulesyntax":
        if (value.trim().toLowerCase() !== "v3")
          this.#faults.error(from, `router ${name}: rules must be written in the syntax of Traefik v3`);
        return;
      case "observability":
        return this.#faults.warn(from, `label ${key} is not used: it requires Traefik 3.3`);
      default:
        this.#faults.error(from, `label ${key}: unknown router field ${JSON.stringify(path[0])}`);
    }
  }

  #entryPoints({ stack }: LabelledContainer, name: string, { value, from }: LabelLine): undefined {
    for (const point of listOf(value)) {
      const known = point.toLowerCase();
      if (known === "websecure" || known === "https") this.#secure.add(`${stack}-${name}`);
      const hint = "use web; websecure, http and https mean the same entry point";
      if (!entryPoints.includes(known))
        this.#faults.error(from, `router ${name}: unknown entry point ${JSON.stringify(point)}`, hint);
    }
  }

  #service(container: LabelledContainer, line: LabelLine, name: string, path: readonly string[]): undefined {
    const { key, value, from } = line;
    const service: Growing<DeclaredService> = this.#services.get(name) ?? newService(name, from);
    this.#services.set(name, service);
    if (!service.containers.includes(container)) service.containers = [...service.containers, container];
    const [type = "", ...fields] = path;
    if (type.toLowerCase() !== "loadbalancer")
      return this.#faults.error(from, `label ${key}: labels can declare only a loadbalancer`);
    const [first = "", second = ""] = fields.map((field) => field.toLowerCase());
    // Each container has its own server; everything else they share.
    if (first === "server") {
      if (second === "weight" || second === "preservepath")
        return this.#faults.warn(from, `label ${key} is not used`);
      if (second !== "port" && second !== "scheme" && second !== "url")
        return this.#faults.error(from, `label ${key}: unknown server field ${JSON.stringify(second)}`);
      service.servers = new Map([...service.servers, [`${container.service} ${second}`, line]]);
      return;
    }
    if (!this.#isFirst(`service ${name}.${fields.join(".").toLowerCase()}`, line)) return;
    if (
      /^(strategy|passivehealthcheck)$/.test(first) ||
      /^sticky\.cookie\.(path|domain)$/i.test(fields.join("."))
    )
      return this.#faults.warn(from, `label ${key} is not used: not every version of Traefik 3 knows it`);
    const loadBalancer = service.loadBalancer as Record<string, unknown>;
    const problem = setField(loadBalancer, loadBalancerFields, fields, value);
    if (problem !== undefined) this.#faults.error(from, `label ${key}: ${problem}`);
  }

  #middleware(line: LabelLine, name: string, path: readonly string[]): undefined {
    const { key, value, from } = line;
    if (!this.#isFirst(`middleware ${name}.${path.join(".").toLowerCase()}`, line)) return;
    const middleware = this.#middlewares.get(name) ?? { options: {}, from };
    this.#middlewares.set(name, middleware);
    const [type = "", ...fields] = path;
    const known = fieldNamed(middlewareFields, type);
    if (known === undefined)
      return this.#faults.error(from, `label ${key}: unknown middleware type ${JSON.stringify(type)}`);
    const problem = setField(middleware.options, middlewareFields, [known, ...fields], value);
    if (problem !== undefined) return this.#faults.error(from, `label ${key}: ${problem}`);
    const isAddress = known === "forwardAuth" && fields.join(".").toLowerCase() === "address";
    const fault = isAddress ? authAddressFault(value) : undefined;
    if (fault !== undefined) this.#faults.error(from, `label ${key}: ${fault.message}`, fault.hint);
  }

  /** Whether the line is the first to set a field; a different value of another container is a fault. */
  #isFirst(field: string, line: LabelLine): boolean {
    const before = this.#lines.get(field);
    this.#lines.set(field, before ?? line);
    if (before === undefined) return true;
    if (before.value !== line.value)
      this.#faults.error(
        line.from,
        `${field} is ${JSON.stringify(line.value)} here and ${JSON.stringify(before.value)} in ${before.from.file}:${before.from.line}`,
      );
    return false;
  }
}

function listOf(value: string): readonly string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
