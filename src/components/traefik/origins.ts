/** Which lines of the site each route and each line of the mesh's configuration follows from. */
import { explained } from "../../fabric/explained.ts";
import { aboutGuest, aboutService, addressOrigin, roleOrigins, routerOrigins } from "../../fabric/origins.ts";
import { routedServices } from "../../fabric/services.ts";
import { jsonPaths } from "../../formats/json/lines.ts";
import { sentinel, transportName } from "../../formats/traefik/index.ts";
import { retryOf } from "../../formats/traefik/members.ts";
import type { Service, Site } from "../../model.ts";
import type { Explained, LineReason, Reason } from "../../origin.ts";
import type { Resource } from "../../resource.ts";
import { compile, paths } from "./compile.ts";

export function explain(site: Site): readonly Explained[] {
  const { mesh } = site.roles;
  if (mesh === undefined) return [];
  const why: Reason = {
    origins: roleOrigins(site, "mesh"),
    about: aboutGuest(mesh),
    note: "the mesh passes requests to the guests and containers that answer them",
  };
  return compile(site).map((resource) => {
    if (resource.id === "traefik/routes") return routes(site, resource, why);
    if (resource.id === "traefik/root") return root(site, resource, why);
    return explained(resource, {
      why,
      unitAt: ([key]) => (key === "active" ? "running" : key === "enabled" ? "starts at boot" : key),
    });
  });
}

function root(site: Site, resource: Resource, why: Reason): Explained {
  const { ca } = site.roles;
  const trusting = routedServices(site).filter(({ backend }) => backend.scheme === "https");
  const reason: Reason = {
    origins: [
      ...trusting.flatMap((service) => routerOrigins(site, service)),
      ...roleOrigins(site, "ca"),
      ...(ca === undefined ? [] : [addressOrigin(ca)]),
    ],
    about: [...new Set([...why.about, ...trusting.flatMap(aboutService)])],
    note: "backends with TLS are verified with the root of the site's CA",
  };
  return explained(resource, { why: reason, unitAt: () => "the CA's root" });
}

function routes(site: Site, resource: Resource, why: Reason): Explained {
  const services = new Map(routedServices(site).map((service) => [service.id, service]));
  const reasonOf = (id: string): Reason | undefined => {
    const service = services.get(id);
    return service && { origins: routerOrigins(site, service), about: aboutService(service) };
  };
  const sharedReason = (section: string, name: string): Reason | undefined => {
    const used = usersOf(section, name, services.values());
    if (used.length === 0) return undefined;
    return {
      origins: used.flatMap((service) => routerOrigins(site, service)),
      about: [...new Set(used.flatMap(aboutService))],
      note: section === "middlewares" ? "a middleware of its routers" : "how backends with TLS are verified",
    };
  };
  const unit = (name: string): Reason | undefined => {
    const [, section, of = name] = /^(middleware|service) (.+?): /.exec(name) ?? [];
    return section === "middleware" ? sharedReason("middlewares", of) : reasonOf(of);
  };
  const lines = jsonPaths(resource.text).map(([, section, name]): LineReason => {
    if (section === undefined) return why;
    if (name === undefined) return { ...why, note: `the ${section} of the routed services` };
    if (name === sentinel.router || name.startsWith("cfg-"))
      return { ...why, note: "says which configuration is loaded, so that a sync can prove it" };
    const used = usersOf(section, name, services.values());
    const [user] = used;
    if (user === undefined) return why;
    if (section === "routers" || section === "services")
      return { unit: user.id, ...(reasonOf(user.id) ?? why) };
    return { unit: user.id, ...(sharedReason(section, name) ?? why) };
  });
  const { host, text } = resource;
  return explained(resource, {
    why,
    unit,
    texts: [{ host, path: paths.configuration, text, lines }],
  });
}

/** The services that a member of a section is there for. */
function usersOf(section: string, name: string, services: Iterable<Service>): readonly Service[] {
  return [...services].filter(({ id, middlewares, backend }) => {
    if (section === "middlewares")
      return middlewares.some((each) => each.name === name) || name === retryOf(backend)?.name;
    if (section === "serversTransports") return name === transportName(backend);
    return id === name;
  });
}
