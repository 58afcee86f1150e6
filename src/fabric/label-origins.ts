/** Which lines of a stack's files decide a service that its Traefik labels declare. Pure. */
import type { Service, Site, Stack } from "../model.ts";
import type { Origin } from "../origin.ts";
import type { SourceRef } from "../resource.ts";
import { declaredCompose } from "./containers-at.ts";
import { memo } from "./memo.ts";

/** The stack that brings a service, on the machine that it brings it for. */
export function stackOf({ stacks }: Site, { stack, guest, id }: Service): Stack | undefined {
  return stacks.find(
    ({ name, project, guest: machine }) =>
      name === stack && machine.host === guest.host && id.startsWith(`${project}-`),
  );
}

interface Label {
  readonly service: string;
  readonly key: string;
  readonly value: string;
  readonly from: SourceRef;
}

/** What a stack's own files say, before they are prepared. */
export const declaredBy = memo((stack: Stack) => {
  const compose = declaredCompose(stack);
  const services = compose?.services ?? [];
  const written = services.flatMap(({ name, labels }) =>
    labels.map(({ key, value, place }): Label => {
      return { service: name, key, value, from: { file: stack.compose.file, ...place } };
    }),
  );
  const added = Object.entries(stack.labels).flatMap(([service, labels]) =>
    labels.map((label): Label => ({ service, ...label })),
  );
  const isReplaced = ({ service, key }: Label): boolean =>
    added.some((other) => other.service === service && other.key === key);
  return {
    services,
    volumes: compose?.volumes ?? [],
    labels: [...written.filter((label) => !isReplaced(label)), ...added],
  };
});

/** A router's labels, those of its service, and those of its middlewares. */
function labelsFor(stack: Stack, service: Service) {
  const { labels } = declaredBy(stack);
  const router = service.id.slice(stack.project.length + 1);
  const under = (prefix: string, among = labels): readonly Label[] =>
    among.filter(({ key }) => key.toLowerCase().startsWith(`${prefix.toLowerCase()}.`));
  const own = under(`traefik.http.routers.${router}`);
  const containers = new Set(own.map((label) => label.service));
  const named = own.find(({ key }) => /\.service$/i.test(key))?.value.replace(/@docker$/, "");
  const services =
    named === undefined
      ? under(
          "traefik.http.services",
          labels.filter((label) => containers.has(label.service)),
        )
      : under(`traefik.http.services.${named}`);
  return { own, containers, services, middlewares: middlewareLabels(own, under) };
}

/** The Compose services whose containers answer a service of a stack. */
export function labelledContainers(site: Site, service: Service): readonly string[] {
  const stack = stackOf(site, service);
  return stack === undefined ? [] : [...labelsFor(stack, service).containers];
}

/** The labels of the middlewares that a router names, and of those that their chains name. */
function middlewareLabels(
  own: readonly Label[],
  under: (prefix: string) => readonly Label[],
): readonly Label[] {
  const found = new Map<string, readonly Label[]>();
  const add = (written: string): void => {
    for (const name of written.split(",").map((each) => each.trim().replace(/@docker$/, ""))) {
      if (name === "" || found.has(name)) continue;
      const labels = under(`traefik.http.middlewares.${name}`);
      found.set(name, labels);
      for (const { key, value } of labels) if (/\.chain\.middlewares$/i.test(key)) add(value);
    }
  };
  for (const { key, value } of own) if (/\.middlewares$/i.test(key)) add(value);
  return [...found.values()].flat();
}

/** TLS ends at the gateway, and every request comes in at one entry point: these labels decide nothing. */
const withoutEffect = /\.(?:entrypoints|tls(?:\..*)?|rule)$/i;

/** The labels that decide a router besides its rule. */
export function labelOrigins(site: Site, service: Service): readonly Origin[] {
  const stack = stackOf(site, service);
  if (stack === undefined) return [];
  const { own, services, middlewares } = labelsFor(stack, service);
  const says = (what: string) => (label: Label) => ({
    at: label.from,
    says: `${what}: ${label.key.split(".").slice(4).join(".")}`,
  });
  return [
    ...own.filter(({ key }) => !withoutEffect.test(key)).map(says("sets the router")),
    ...services.filter(({ key }) => !isPort(key)).map(says("sets the service")),
    ...middlewares.map(({ from, key }) => ({
      at: from,
      says: `declares the middleware ${key.split(".")[3]}`,
    })),
  ];
}

function isPort(key: string): boolean {
  return /\.loadbalancer\.server\.(?:port|scheme|url)$/i.test(key);
}

/** What decides where a service's requests go: its port, and for a container the port that its machine publishes. */
export function backendOrigins(site: Site, service: Service): readonly Origin[] {
  const stack = stackOf(site, service);
  if (stack === undefined) {
    if (service.from === service.guest.from)
      return [
        {
          at: { file: site.hypervisor.from.file, line: 1, column: 1 },
          keys: ["network/portainer_server_port"],
          says: "Portainer's port",
        },
      ];
    return [
      { at: service.from, keys: ["port"], says: "the port that the guest serves it on" },
      { at: service.from, keys: ["scheme"], says: "the protocol that it speaks", optional: true },
      { at: service.from, keys: ["server_name"], says: "the name in its certificate", optional: true },
    ];
  }
  const { services, containers } = labelsFor(stack, service);
  const { services: all } = declaredBy(stack);
  const published = all
    .filter(({ name }) => containers.has(name) || services.some((label) => label.service === name))
    .flatMap(({ ports }) => ports)
    .filter((port) => port.published === service.backend.port);
  return [
    ...services
      .filter(({ key }) => isPort(key))
      .map(({ from }) => ({ at: from, says: "names the container's port" })),
    ...published.map(({ place }) => ({
      at: { file: stack.compose.file, ...place },
      says: `publishes it as port ${service.backend.port} of ${stack.guest.host}`,
    })),
  ];
}

const optionKeys = ["max_body_size", "read_timeout", "buffering"] as const;

/** The settings of the gateway's treatment that the site declares for a service. */
export function optionOrigins(site: Site, service: Service): readonly Origin[] {
  const stack = stackOf(site, service);
  const says = "how the gateway treats its requests";
  if (stack === undefined)
    return optionKeys.map((key) => ({ at: service.from, keys: [key], says, optional: true as const }));
  const { containers } = labelsFor(stack, service);
  return [...containers].flatMap((name) =>
    optionKeys.flatMap((key) => settingOrigins(stack, `services/${name}/${key}`, says)),
  );
}

/** A key of a stack's settings, in its phoenix.json or in the older single file; left out where it is not there. */
export function settingOrigins(
  { name, environment, compose }: Stack,
  key: string,
  says: string,
): readonly Origin[] {
  const own = compose.file.replace(/[^/]*$/, "phoenix.json");
  const keys = [`environments/${environment}/${key}`, key];
  const older = keys.map((each) => `docker_stacks/${name}/${each}`);
  return [
    { at: { file: own, line: 1, column: 1 }, keys, says, optional: true },
    { at: { file: "etc/phoenix_stacks_config.json", line: 1, column: 1 }, keys: older, says, optional: true },
  ];
}
