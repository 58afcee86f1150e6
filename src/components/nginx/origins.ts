/** Which lines of the site each name, option and line of the gateway's configuration follows from. */
import { defined } from "../../defined.ts";
import { explained, explainedFile } from "../../fabric/explained.ts";
import { optionOrigins } from "../../fabric/label-origins.ts";
import {
  aboutGuest,
  aboutService,
  addressOrigin,
  nameOrigins,
  roleOrigins,
  servicesByName,
  treatmentOrigins,
} from "../../fabric/origins.ts";
import { type Directive, parseNginx } from "../../formats/nginx/parse.ts";
import type { Site } from "../../model.ts";
import type { Explained, LineReason, Reason } from "../../origin.ts";
import type { Resource } from "../../resource.ts";
import { compile, gatewayCertificate, paths } from "./compile.ts";
import { sidesOf } from "./gateways.ts";

export function explain(site: Site): readonly Explained[] {
  return sidesOf(site).flatMap(({ suffix, site: own }) =>
    explainGateway(own).map((each) => ({
      ...each,
      resource: { ...each.resource, id: `${each.resource.id}${suffix}` as const },
    })),
  );
}

function explainGateway(site: Site): readonly Explained[] {
  const { gateway } = site.roles;
  if (gateway === undefined) return [];
  const why: Reason = {
    origins: roleOrigins(site, "gateway"),
    about: aboutGuest(gateway),
    note: "the gateway ends TLS for the routed names and passes their requests to the mesh",
  };
  return compile(site).map((resource) => {
    switch (resource.id) {
      case "nginx/gateway":
        return gatewayFile(site, resource, why);
      case "nginx/enabled":
        return link(resource, paths.enabled, {
          ...why,
          note: "what makes Nginx read the gateway's configuration",
        });
      case "nginx/distribution-site":
        return link(resource, paths.distribution, {
          ...why,
          note: "Debian's own site would answer for unknown names: it must not be enabled",
        });
      default:
        return explained(resource, {
          why,
          unitAt: ([key]) => (key === "active" ? "running" : key === "enabled" ? "starts at boot" : key),
        });
    }
  });
}

function link(resource: Resource, path: string, why: Reason): Explained {
  return explained(resource, { why, texts: [explainedFile(resource.host, path, resource.text, () => why)] });
}

function gatewayFile(site: Site, resource: Resource, why: Reason): Explained {
  const unit = (name: string): Reason => unitReason(site, name);
  const reasons = lineReasons(site, resource.text, why);
  const text = explainedFile(resource.host, paths.available, resource.text, (_, at) => reasons[at] ?? why);
  return explained(resource, { why, unit, texts: [text] });
}

/** Why a name, the mesh or the certificate is in the file. */
function unitReason(site: Site, unit: string): Reason {
  const { mesh } = site.roles;
  if (unit === "mesh" && mesh !== undefined)
    return {
      origins: [addressOrigin(mesh), ...roleOrigins(site, "mesh")],
      about: [...aboutGuest(mesh), `port:${mesh.host}:80`],
      note: "all requests are passed to the mesh",
    };
  if (unit === "certificate") return certificateReason(site);
  const services = servicesByName(site).get(unit) ?? [];
  return {
    origins: services.flatMap((service) => treatmentOrigins(site, service)),
    about: [...new Set([`name:${unit}` as const, ...services.flatMap(aboutService)])],
  };
}

function certificateReason(site: Site): Reason {
  const certificate = gatewayCertificate(site);
  if (certificate === undefined) return { origins: [], about: [] };
  const { from, commonName } = certificate;
  const { gateway } = site.roles;
  return {
    origins: [
      { at: from, keys: ["cert_path"], says: "where the gateway's certificate is" },
      { at: from, keys: ["key_path"], says: "where its key is" },
      ...(gateway === undefined
        ? []
        : [{ at: gateway.from, keys: ["mount_points"], says: `how ${gateway.host} sees these files` }]),
    ],
    about: [`certificate:${commonName}`],
  };
}

/** The reason of each line: that of the directive on it, or of the block around it. */
function lineReasons(site: Site, text: string, why: Reason): readonly LineReason[] {
  const lines = text.split("\n");
  const reasons: LineReason[] = lines.map(() => why);
  const directives = parseNginx(text);
  for (const directive of directives) {
    const reason = blockReason(site, directive, why);
    for (let line = directive.line; line <= directive.lastLine; line += 1)
      reasons[line - 1] = innerReason(site, directive, lines[line - 1] ?? "", reason);
    // A remark, and the empty line before it, belong to what comes next.
    for (let line = directive.line - 1; line > 0 && /^\s*(#.*)?$/.test(lines[line - 1] ?? ""); line -= 1)
      if (line > 1) reasons[line - 1] = { ...why, ...defined({ note: reason.note }) };
  }
  return reasons;
}

/** Why a block stands in the file. */
function blockReason(site: Site, directive: Directive, why: Reason): Reason {
  const { name, block = [] } = directive;
  if (name === "upstream")
    return { ...unitReason(site, "mesh"), note: "where the gateway passes all requests" };
  if (name === "map") return { ...why, note: "lets websockets through" };
  if (name !== "server") return { ...why, note: "room for many and long names" };
  const names = block.find((inner) => inner.name === "server_name")?.args ?? [];
  if (names.length === 1 && names[0] === "_")
    return { ...why, note: "rejects names that the site does not declare; says which configuration runs" };
  const services = names.flatMap((each) => servicesByName(site).get(each) ?? []);
  const isTls = block.some((inner) => inner.name === "ssl_certificate");
  return {
    origins: services.flatMap((service) => nameOrigins(site, service)),
    about: [...new Set([...names.map((each) => `name:${each}` as const), ...services.flatMap(aboutService)])],
    note: isTls
      ? "serves the names that have the same options"
      : "leads clients from HTTP to HTTPS, and answers ACME challenges from /var/www/html",
  };
}

const treatment = /^\s*(?:client_max_body_size|proxy_buffering|proxy_read_timeout|proxy_send_timeout) /;

/** The reason of one line within a block. */
function innerReason(site: Site, { name, block = [] }: Directive, line: string, reason: Reason): LineReason {
  if (name === "upstream") return { ...reason, unit: "mesh" };
  if (name !== "server") return reason;
  const word = line.trim().replace(/;$/, "");
  const names = block.find((inner) => inner.name === "server_name")?.args ?? [];
  if (word !== "_" && names.includes(word)) return { ...unitReason(site, word), unit: word };
  if (/^\s*ssl_certificate(?:_key)? /.test(line)) return { ...certificateReason(site), unit: "certificate" };
  if (!treatment.test(line)) return reason;
  const services = names.flatMap((each) => servicesByName(site).get(each) ?? []);
  return {
    ...reason,
    origins: services.flatMap((service) => optionOrigins(site, service)),
    note: "how the gateway treats requests; docs/keys.md#service has the defaults",
  };
}
