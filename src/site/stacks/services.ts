/** The services that a stack's Traefik labels declare. */
import { defined } from "../../defined.ts";
import { translateLabels } from "../../fabric/routes/index.ts";
import type { LabelledContainer } from "../../fabric/routes/labels.ts";
import type { Compose, ComposeService } from "../../formats/compose/index.ts";
import type { FaultAt } from "../../formats/fault.ts";
import {
  type Backend,
  defaultServiceOptions,
  type RoleGuest,
  type Service,
  type StackLabel,
} from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { readOptions } from "../services/options.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { hasTimeToReturn, rolloutFault } from "./rolling.ts";

/** What labels are read with. */
export interface Labelled {
  readonly stack: string;
  /** The prefix of router names: two environments of one stack must not share them. */
  readonly project: string;
  readonly compose: Compose;
  /** The Compose file's name. */
  readonly file: string;
  /** Labels to add, by service. */
  readonly labels: Readonly<Record<string, readonly StackLabel[]>>;
  /** The machine that runs it; without one there are faults, but no services. */
  readonly guest: RoleGuest | undefined;
  /** The addresses of further machines that may run it: the other members of a Swarm. */
  readonly others: readonly string[];
  /** The environment's settings, for the services' options. */
  readonly settings: Cell | undefined;
}

/** Stands in for a machine without an address (RFC 5737), so that labels are still checked. */
const noAddress = "192.0.2.0";

/** Routes as services, and the faults of the labels; their messages may quote secrets. */
export function labelledServices(
  { project, stack, compose, file, labels, guest, others, settings }: Labelled,
  problems: Problems,
): { readonly services: readonly Service[]; readonly faults: readonly FaultAt<SourceRef>[] } {
  const own = settings?.get("services");
  // Somebody else's proxy reads the labels of these, by rules of its own.
  const routed = compose.services.filter(
    ({ name }) => ![settings, own?.get(name)].some((cell) => cell?.get("external")?.flag === true),
  );
  const containers = routed.map(
    (service): LabelledContainer => ({
      stack: project,
      service: service.name,
      labels: labelsOf(service, Object.hasOwn(labels, service.name) ? labels[service.name] : undefined, file),
      ports: service.ports,
      ...defined({ networkMode: service.networkMode }),
      address: guest?.address ?? noAddress,
    }),
  );
  const { routes, faults } = translateLabels(containers);
  const options = new Map(compose.services.map(({ name }) => [name, readOptions(own?.get(name), problems)]));
  if (guest === undefined) return { services: [], faults };
  const isOwn = ({ address }: Backend): boolean => address === guest.address && others.length > 0;
  const services = routes.map((route) => {
    const owner = containers.find((container) => container.labels.some(({ from }) => from === route.from));
    const declared = compose.services.find(({ name }) => name === owner?.service);
    const isSpread = declared !== undefined && isOwn(route.backend);
    const fault = isSpread ? rolloutFault(declared, route) : undefined;
    if (isSpread && fault !== undefined)
      problems.report("PHX0908", { file, ...declared.place }, fault.message, { hint: fault.hint });
    return {
      ...route,
      ...(isSpread ? { backend: { ...route.backend, others }, loadBalancer: checked(route, declared) } : {}),
      path: "routed" as const,
      guest,
      stack,
      options: options.get(owner?.service ?? "") ?? defaultServiceOptions,
    };
  });
  return { services, faults };
}

/**
 * A load balancer whose labels declare no health check asks what the container's own health check asks, unless an update would leave
 * it no time to ask.
 */
function checked(
  route: Pick<Service, "backend" | "loadBalancer">,
  service: ComposeService,
): Service["loadBalancer"] {
  const { backend, loadBalancer } = route;
  const { asks, ports } = service;
  if (!hasTimeToReturn(service, route)) return loadBalancer;
  const isServed = ports.some(({ target, published }) => target === asks?.port && published === backend.port);
  if (asks === undefined || !isServed || backend.scheme !== "http" || "healthCheck" in loadBalancer)
    return loadBalancer;
  return { ...loadBalancer, healthCheck: { path: asks.path } };
}

/** The labels of the Compose file, overridden by those to add. */
function labelsOf(
  service: ComposeService,
  added: readonly StackLabel[] | undefined,
  file: string,
): readonly StackLabel[] {
  const labels = new Map<string, StackLabel>(
    service.labels.map(({ key, value, place }) => [key, { key, value, from: { file, ...place } }]),
  );
  for (const label of added ?? []) labels.set(label.key, label);
  return [...labels.values()];
}
