/** The services that proxies were found to serve, besides those that the labels of the site's stacks declare. Pure. */
import type { Site } from "../../model.ts";
import type { DraftPart } from "../draft.ts";
import { joinNames } from "../join/names.ts";
import { gatewayEntries, serviceEntries } from "../join/services.ts";
import type { Found } from "../read/index.ts";
import { domainOf } from "./machines.ts";

/** @param site what the draft declares without them; undefined when that is not a site */
export function servicesPart(found: Found, site: Site | undefined): DraftPart {
  const { guests, network, dns, web } = found;
  const domain = domainOf(found)?.name;
  const ofStacks = (site?.services ?? []).filter(({ stack }) => stack !== undefined);
  const routed = new Set(ofStacks.map(({ id }) => id));
  const names = joinNames(web, { guests, network, dns, domain }, routed);
  const all = [...names.joined, ...gatewayEntries(names.gatewayNames, guests)];
  const entries = serviceEntries(all, domain);
  return {
    guests: new Map([...entries].map(([host, traefik_service]) => [host, { traefik_service }])),
    left: names.left,
  };
}
