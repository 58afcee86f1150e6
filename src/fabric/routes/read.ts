/** Reading a stack's Traefik labels: routers, services and middlewares, collected from all its containers. */
import type { Fault } from "../../formats/fault.ts";
import { fieldNamed, loadBalancerFields, middlewareFields, setField } from "../../formats/traefik/fields.ts";
import { wholeFaults } from "../../formats/traefik/middlewares.ts";
import { readValue } from "../../formats/traefik/values.ts";
import type { SourceRef } from "../../resource.ts";
import {
  askedOfMesh,
  type DeclaredMiddleware,
  type DeclaredRouter,
  type DeclaredService,
  type LabelFaults,
  type LabelLine,
  type LabelledContainer,
  type Labels,
  newService,
  placeOfWord,
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
  /** By object, service and field: what each container declares. */
  readonly #declared = new Map<string, Map<string, Map<string, LabelLine>>>();
  /** Middlewares with a value that is wrong. */
  readonly #faulty = new Set<string>();
  readonly #enabled: { readonly container: LabelledContainer; readonly from: SourceRef }[] = [];

  constructor(faults: LabelFaults) {
    this.#faults = faults;
  }

  labels(): Labels {
    const [routers, services, middlewares] = [this.#routers, this.#services, this.#middlewares];
    for (const [name, middleware] of middlewares) this.#judge(name, middleware);
    this.#judgeShared();
    for (const { from, container } of this.#enabled) this.#judgeEnabled(container, from);
    return { routers, services, middlewares, secure: this.#secure };
  }

  /** A value that is wrong is reported once, where it stands; then the rest cannot be judged. */
  #judge(name: string, { options, from }: DeclaredMiddleware): undefined {
    const types = Object.keys(options);
    if (this.#faulty.has(name)) return;
    if (types.length === 0) return this.#faults.error(from, `middleware ${name} has no type`);
    if (types.length > 1)
      return this.#faults.error(from, `middleware ${name} has several types: ${types.join(", ")}`);
    if (options.errors !== undefined)
      return this.#faults.error(
        from,
        `middleware ${name}: error pages from a service of the stack are not supported`,
      );
    const hint = "declare it in the static configuration of the mesh's Traefik";
    for (const plugin of Object.keys((options.plugin as object | undefined) ?? {}))
      this.#faults.warn(from, `middleware ${name} uses plugin ${plugin}, which the mesh must have`, hint);
    for (const { place, message, hint } of wholeFaults(options))
      this.#faults.error(
        this.#lines.get(`middleware ${name}.${place.toLowerCase()}`)?.from ?? from,
        `middleware ${name}: ${message}`,
        hint,
      );
  }

  /** Traefik would serve such a container by its default rule, under a name that nothing leads to. */
  #judgeEnabled({ service, stack }: LabelledContainer, from: SourceRef): undefined {
    const routers = [...this.#routers.values()];
    const served = [...this.#services.values()].filter(({ containers }) =>
      containers.some((each) => each.service === service),
    );
    if (routers.some(({ containers }) => containers.some((each) => each.service === service))) return;
    if (served.some(({ name }) => routers.some((router) => router.service?.replace(/@docker$/, "") === name)))
      return;
    const hint = `add the label traefik.http.routers.${service}.rule=Host(\`…\`)`;
    const message = `${service} gets no route: it has traefik.enable and no router (Traefik's default rule, Host(\`${service}-${stack}\`), is not used)`;
    this.#faults.warn(from, message, hint);
  }

  read(container: LabelledContainer): undefined {
    const lines = container.labels.filter(({ key }) => /^traefik\./i.test(key));
    const enable = lines.find(({ key }) => key.toLowerCase() === "traefik.enable");
    const [first] = lines;
    if (first === undefined) return;
    const message = `${container.service} is not routed: it lacks the label traefik.enable=true`;
    if (enable === undefined) return this.#faults.warn(first.from, message);
    if (!enable.key.startsWith("traefik.")) return this.#line(container, enable);
    const isEnabled = readValue("boolean", enable.value);
    if ("fault" in isEnabled) return this.#fault(enable, isEnabled.fault);
    if (isEnabled.value !== true) return;
    if (!lines.some(({ key }) => /^traefik\.(?:tcp|udp)\./i.test(key)))
      this.#enabled.push({ container, from: enable.from });
    // Labels written for a Compose file have their dollar signs doubled. The items of a list come in their order.
    const itemOf = ({ key }: LabelLine): number => Number(/\[(\d+)\]$/.exec(key)?.[1] ?? -1);
    for (const line of lines.toSorted((a, b) => itemOf(a) - itemOf(b)))
      if (line !== enable) this.#line(container, { ...line, value: line.value.replaceAll("$$", "$") });
  }

  /** A fault of one label. */
  #fault({ key, from }: LabelLine, { message, hint, severity }: Fault): undefined {
    if (severity === "warning") return this.#faults.warn(from, `label ${key}: ${message}`, hint);
    return this.#faults.error(from, `label ${key}: ${message}`, hint);
  }

  #line(container: LabelledContainer, line: LabelLine): undefined {
    const { key, from } = line;
    if (!key.startsWith("traefik."))
      return this.#faults.error(from, `label ${key} must begin with "traefik." in lower case`);
    const [, protocol = "", kind = "", name = "", ...path] = key.split(".");
    switch (protocol.toLowerCase()) {
      case "docker":
        if (!/^(?:network|lbswarm|allownonrunning)$/i.test(kind))
          this.#fault(line, { message: `unknown field ${JSON.stringify(kind)}` });
        return;
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
    if (kind.toLowerCase() === "middlewares") return this.#middleware(container, line, name, path);
    this.#faults.error(from, `Traefik does not know the label ${key}`);
  }

  #router(container: LabelledContainer, line: LabelLine, name: string, path: readonly string[]): undefined {
    const { key, value, from } = line;
    const { stack } = container;
    const created = { stack, middlewares: [], containers: [], from, places: new Map() };
    const router: Growing<DeclaredRouter> = this.#routers.get(name) ?? created;
    this.#routers.set(name, router);
    if (!router.containers.includes(container)) router.containers = [...router.containers, container];
    const [, field = "", item] = /^(.*?)(\[\d+\])?$/.exec(path[0]?.toLowerCase() ?? "") ?? [];
    if (field === "tls") {
      const [, member] = path;
      if (!this.#isFirst(container, `router ${name}`, path.join(".").toLowerCase(), line)) return;
      if (member !== undefined && !/^(?:options|certresolver|domains(?:\[\d+\])?)$/i.test(member))
        return this.#fault(line, { message: `unknown field ${JSON.stringify(member)}` });
      this.#secure.add(`${stack}-${name}`);
      return;
    }
    if (!this.#isFirst(container, `router ${name}`, `${field}${item ?? ""}`, line)) return;
    router.places = new Map([...router.places, [field, from]]);
    switch (field) {
      case "rule":
        router.rule = value;
        router.from = from;
        return;
      case "entrypoints":
        return this.#entryPoints(container, name, line);
      case "service":
        if (value !== "") router.service = value;
        return;
      case "middlewares": {
        const names = item === undefined ? listOf(value) : [value];
        router.middlewares = item === undefined ? names : [...router.middlewares, ...names];
        const places = names.map((each) => [`middleware ${each}`, placeOfWord(line, each)] as const);
        router.places = new Map([...router.places, ...places]);
        return;
      }
      case "priority": {
        const read = readValue("number", value);
        if ("fault" in read) return this.#fault(line, read.fault);
        router.priority = read.value as number;
        return;
      }
      case "rulesyntax":
        if (value !== "v3")
          this.#faults.error(from, `router ${name}: rules must be written in the syntax of Traefik v3`);
        return;
      case "observability":
        return this.#faults.warn(from, `label ${key} is not used: it requires Traefik 3.3`);
      default:
        this.#faults.error(from, `label ${key}: unknown router field ${JSON.stringify(path[0])}`);
    }
  }

  #entryPoints({ stack }: LabelledContainer, name: string, { value, from }: LabelLine): undefined {
    const points = listOf(value);
    for (const point of points)
      if (point === "websecure" || point === "https") this.#secure.add(`${stack}-${name}`);
    const unknown = points.filter((point) => !entryPoints.includes(point));
    if (unknown.length === 0) return;
    const message = `router ${name}: unknown entry point ${unknown.map((point) => JSON.stringify(point)).join(", ")}`;
    const hint = "use web; websecure, http and https mean the same entry point";
    // Beside a known one it is left out, as Traefik does.
    if (unknown.length < points.length) return this.#faults.warn(from, message, hint);
    return this.#faults.error(from, message, hint);
  }

  #service(container: LabelledContainer, line: LabelLine, name: string, path: readonly string[]): undefined {
    const { key, value, from } = line;
    const service: Growing<DeclaredService> = this.#services.get(name) ?? newService(name, from);
    this.#services.set(name, service);
    if (!service.containers.includes(container)) service.containers = [...service.containers, container];
    this.#declare(container.service, `service ${name}`);
    const [type = "", ...fields] = path;
    if (type.toLowerCase() !== "loadbalancer")
      return this.#faults.error(from, `label ${key}: labels can declare only a loadbalancer`);
    const [first = "", second = ""] = fields.map((field) => field.toLowerCase());
    // Each container has its own server; everything else they share.
    if (first === "server") return this.#server(container, service, line, second);
    if (!this.#isFirst(container, `service ${name}`, fields.join(".").toLowerCase(), line)) return;
    const loadBalancer = service.loadBalancer as Record<string, unknown>;
    const fault = setField(loadBalancer, loadBalancerFields, fields, value);
    if (fault !== undefined) return this.#fault(line, fault);
    if (first === "serverstransport") return this.#transport(line);
  }

  #server(
    container: LabelledContainer,
    service: Growing<DeclaredService>,
    line: LabelLine,
    field: string,
  ): undefined {
    const { key, value, from } = line;
    if (field === "weight" || field === "preservepath") {
      const read = readValue(field === "weight" ? "number" : "boolean", value);
      if ("fault" in read) return this.#fault(line, read.fault);
      return this.#faults.warn(from, `label ${key} is not used`);
    }
    if (field !== "port" && field !== "scheme" && field !== "url")
      return this.#faults.error(from, `label ${key}: unknown server field ${JSON.stringify(field)}`);
    service.servers = new Map([...service.servers, [`${container.service} ${field}`, line]]);
  }

  /** Labels cannot declare a transport; a file of the mesh may. */
  #transport({ value, from }: LabelLine): undefined {
    const [name, provider] = value.split("@");
    if (value === "default@internal") return;
    const hint = `declare it in a file of the mesh's Traefik, and write ${name}@file`;
    if (provider === "file")
      return this.#faults.warn(
        from,
        `servers transport ${value} must be declared in the mesh by other means`,
        askedOfMesh,
      );
    this.#faults.error(
      from,
      `unknown servers transport ${JSON.stringify(value)}: labels cannot declare one`,
      hint,
    );
  }

  #middleware(
    container: LabelledContainer,
    line: LabelLine,
    name: string,
    path: readonly string[],
  ): undefined {
    const { key, value, from } = line;
    if (!this.#isFirst(container, `middleware ${name}`, path.join(".").toLowerCase(), line)) return;
    const middleware = this.#middlewares.get(name) ?? { options: {}, from };
    this.#middlewares.set(name, middleware);
    const [type = "", ...fields] = path;
    const known = fieldNamed(middlewareFields, type);
    if (known === undefined) {
      this.#faulty.add(name);
      return this.#faults.error(from, `label ${key}: unknown middleware type ${JSON.stringify(type)}`);
    }
    const fault = setField(middleware.options, middlewareFields, [known, ...fields], value);
    if (fault !== undefined) {
      if (fault.severity !== "warning") this.#faulty.add(name);
      return this.#fault(line, fault);
    }
    const isAddress = known === "forwardAuth" && fields.join(".").toLowerCase() === "address";
    const wrong = isAddress ? authAddressFault(value) : undefined;
    if (wrong !== undefined) this.#faults.error(from, `label ${key}: ${wrong.message}`, wrong.hint);
  }

  /** Whether the line is the first to set a field of an object; a different value of another container is a fault. */
  #isFirst({ service }: LabelledContainer, object: string, field: string, line: LabelLine): boolean {
    this.#declare(service, object).set(field, line);
    const before = this.#lines.get(`${object}.${field}`);
    this.#lines.set(`${object}.${field}`, before ?? line);
    if (before === undefined) return true;
    if (before.value !== line.value)
      this.#faults.error(
        line.from,
        `${object}.${field} has another value in ${before.from.file}:${before.from.line}`,
      );
    return false;
  }

  #declare(service: string, object: string): Map<string, LabelLine> {
    const declared = this.#declared.get(object) ?? new Map<string, Map<string, LabelLine>>();
    this.#declared.set(object, declared);
    const lines = declared.get(service) ?? new Map<string, LabelLine>();
    declared.set(service, lines);
    return lines;
  }

  /** Traefik drops what two containers declare differently. */
  #judgeShared(): void {
    for (const [object, declared] of this.#declared)
      for (const [service, lines] of declared)
        for (const [other, others] of declared)
          for (const [field, { from }] of lines)
            if (!others.has(field))
              this.#faults.error(
                from,
                `${service} sets ${object}.${field}, and ${other} does not`,
                `give both containers the same labels of ${object}`,
              );
  }
}

/** The items of a list as Traefik reads it: an empty item counts. */
function listOf(value: string): readonly string[] {
  return value === "" ? [] : value.split(",").map((item) => item.trim());
}
