/** The services that a stack's Traefik labels declare. */

import { defined } from "../../defined.ts";
import { translateLabels } from "../../fabric/routes/index.ts";
import type { LabelledContainer } from "../../fabric/routes/labels.ts";
import type { Compose, ComposeService } from "../../formats/compose/index.ts";
import { defaultServiceOptions, type RoleGuest, type Service, type StackLabel } from "../../model.ts";
import { readOptions } from "../services/options.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** What labels are read with. */
export interface Labelled {
  readonly stack: string;
  /** Begins the names of routers: two environments of one stack must not share them. */
  readonly project: string;
  readonly compose: Compose;
  /** The compose file's name. */
  readonly file: string;
  /** Labels to add, by compose service. */
  readonly labels: Readonly<Record<string, readonly StackLabel[]>>;
  /** The machine that runs it; without one faults are reported all the same, and there are no services. */
  readonly guest: RoleGuest | undefined;
  /** The environment's settings, for the services' options. */
  readonly settings: Cell | undefined;
}

/** Stands in for a machine without an address (RFC 5737), so that labels are looked at all the same. */
const noAddress = "192.0.2.0";

/** Routes as services; faults of the labels are reported, with `clean` taking secrets out of their words. */
export function labelledServices(
  { project, stack, compose, file, labels, guest, settings }: Labelled,
  clean: (text: string) => string,
  problems: Problems,
): readonly Service[] {
  const containers = compose.services.map(
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
  for (const { message, place, hint, severity } of faults)
    problems.report("PHX0411", place, clean(message), { hint, severity });
  const options = new Map(
    compose.services.map(({ name }) => [name, readOptions(settings?.get("services")?.get(name), problems)]),
  );
  if (guest === undefined) return [];
  return routes.map((route) => {
    const owner = containers.find((container) => container.labels.some(({ from }) => from === route.from));
    return {
      ...route,
      path: "routed" as const,
      guest,
      stack,
      options: options.get(owner?.service ?? "") ?? defaultServiceOptions,
    };
  });
}

/** The labels of the compose file, overridden by those to add. */
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
