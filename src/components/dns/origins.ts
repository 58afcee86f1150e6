/** Which lines of the site each record and each option of the name server follows from. */
import { explained, explainedFile } from "../../fabric/explained.ts";
import { baseId, nodeOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import {
  aboutGuest,
  aboutService,
  addressOrigin,
  destinationOrigins,
  domainOrigin,
  guestOrigin,
  hypervisorOrigin,
  nameOrigins,
  portainerNameOrigins,
  roleOrigins,
  settingOrigin,
} from "../../fabric/origins.ts";
import { type DeclaredRecord, recordsOf } from "../../fabric/records.ts";
import { parseConf, parseHostsFile } from "../../formats/dnsmasq/index.ts";
import type { Site } from "../../model.ts";
import type { Explained, LineReason, Origin, Reason } from "../../origin.ts";
import type { Resource } from "../../resource.ts";
import { compile, paths } from "./compile.ts";

export function explain(site: Site): readonly Explained[] {
  const { exact, wildcards } = recordsOf(site);
  const records = new Map<string, readonly DeclaredRecord[]>();
  for (const record of [...exact, ...wildcards])
    records.set(record.name, [...(records.get(record.name) ?? []), record]);
  const of = (name: string | undefined): LineReason | undefined => {
    const found = name === undefined ? undefined : records.get(name);
    return found === undefined ? undefined : { unit: name ?? "", ...reasonOf(site, found) };
  };
  return compile(site).map((resource) => explainedResource(site, resource, of));
}

type Lookup = (name: string | undefined) => LineReason | undefined;

function explainedResource(site: Site, resource: Resource, of: Lookup): Explained {
  const node = nodeOf(site, resource.host);
  const why: Reason = {
    origins: [
      settingOrigin(site, "switches the name server on", "dns_server/enabled"),
      ...nodeOrigins(site, node),
    ],
    about: [],
    note: `${nodeTitle(node)} answers for the site's names`,
  };
  const file = (path: string, lineReason: (line: string) => LineReason | undefined) =>
    explainedFile(resource.host, path, resource.text, (line) => lineReason(line) ?? why);
  switch (baseId(resource)) {
    case "dns/records":
      return explained(resource, {
        why,
        unit: of,
        texts: [file(paths.records, (line) => of(parseHostsFile(line)[0]?.name))],
      });
    case "dns/wildcards":
      return explained(resource, {
        why,
        unit: of,
        texts: [file(paths.wildcards, (line) => of(/^(?:address|local)=\/([^/]*)\//.exec(line)?.[1]))],
      });
    case "dns/configuration":
      return explained(resource, {
        why,
        unit: (option) => optionReason(site, node, option, undefined, of),
        texts: [
          file(paths.configuration, (line) => {
            const [option, value] = parseConf(line)[0] ?? [];
            return option === undefined
              ? undefined
              : { unit: option, ...optionReason(site, node, option, value, of) };
          }),
        ],
      });
    default:
      return explained(resource, {
        why,
        unitAt: ([key]) => (key === "active" ? "running" : key === "enabled" ? "starts at boot" : key),
      });
  }
}

/** The line of `dns_server.nodes` that has the node run the name server, where there is one. */
function nodeOrigins({ dns }: Site, { name }: SiteNode): readonly Origin[] {
  const named = dns?.nodes?.find((each) => each.name === name);
  return named === undefined ? [] : [{ at: named.from, says: "names the node" }];
}

/** Why an option stands in the static configuration. @param value of one line; every value of the option without it */
function optionReason(
  site: Site,
  node: SiteNode,
  option: string,
  value: string | undefined,
  of: Lookup,
): Reason {
  const about = (origins: readonly Origin[], note: string): Reason => ({ origins, about: [], note });
  switch (option) {
    case "listen-address":
      return about(
        value?.startsWith("127.") || node.host !== "pve" ? [] : [hypervisorOrigin(site)],
        node.host === "pve"
          ? "the server listens on the hypervisor's address and on loopback"
          : `the server listens on the address of ${nodeTitle(node)}, as the cluster has it, and on loopback`,
      );
    case "server":
      return about(
        [settingOrigin(site, "names the upstream server", ...upstreamKeys(value))],
        "names outside the site are asked there",
      );
    case "local": {
      const name = /^\/(.*)\/$/.exec(value ?? "")?.[1];
      if (name === undefined || name === site.domain)
        return about([domainOrigin(site)], "the site's own names are answered here alone");
      return of(name) ?? about([], "a name outside the domain that has a record here");
    }
    case "domain":
    case "rebind-domain-ok":
      return about([domainOrigin(site)], "the site's domain");
    default:
      return about([], fixedOptions[option] ?? "a fixed part of the configuration");
  }
}

function upstreamKeys(value: string | undefined): readonly string[] {
  const key = "dns_server/upstream_servers";
  return value === undefined ? [key] : [`${key}/${value}`, key];
}

/** What the options that no key of the site decides are for. */
const fixedOptions: Readonly<Record<string, string>> = {
  "bind-dynamic": "other name servers of the hypervisor keep their addresses",
  "no-resolv": "only the declared upstream servers are asked",
  "no-hosts": "the hypervisor's /etc/hosts names addresses that mean nothing to clients",
  "domain-needed": "names without a dot never leave the site",
  "bogus-priv": "questions about private addresses never leave the site",
  "stop-dns-rebind": "answers from outside with private addresses are refused",
  hostsdir: "where the records are: a change of them needs no restart",
};

/** Why a name has its addresses. */
function reasonOf(site: Site, records: readonly DeclaredRecord[]): Reason {
  const reasons = records.map((record) => recordReason(site, record));
  return {
    origins: reasons.flatMap(({ origins }) => origins),
    about: [...new Set(reasons.flatMap(({ about }) => about))],
  };
}

function recordReason(site: Site, { name, address, from, of }: DeclaredRecord): Reason {
  const about = [`name:${name}`, `address:${address}`] as const;
  switch (of.kind) {
    case "service":
      return {
        origins: [...nameOrigins(site, of.service), ...destinationOrigins(site, of.service)],
        about: [...new Set([...about, ...aboutService(of.service)])],
      };
    case "agent":
      return {
        origins: [
          { at: of.environment.guest.from, keys: ["portainer_agent_hostname"], says: "names the agent" },
          addressOrigin(of.environment.guest),
        ],
        about: [...about, `environment:${of.environment.name}`, ...aboutGuest(of.environment.guest)],
      };
    case "guest":
      return {
        origins: [
          { at: from, keys: ["name"], says: `the name of ${of.guest.host}` },
          domainOrigin(site),
          addressOrigin(of.guest),
        ],
        about: [...about, ...aboutGuest(of.guest)],
      };
    case "portainer": {
      const guest = site.portainer?.guest;
      return {
        origins: [...portainerNameOrigins(site), ...(guest === undefined ? [] : [addressOrigin(guest)])],
        about: [...about, ...(guest === undefined ? [] : aboutGuest(guest))],
      };
    }
    case "ca": {
      const guest = site.roles.ca;
      return {
        origins: [
          settingOrigin(site, "the CA's host name", "step_ca/dns_name"),
          ...(guest === undefined ? [] : [addressOrigin(guest)]),
          ...roleOrigins(site, "ca"),
        ],
        about: [...about, ...(guest === undefined ? [] : aboutGuest(guest))],
      };
    }
    case "record":
      return { origins: recordOrigins(site, { name, address, from }), about };
  }
}

/** A record of `dns_records`, or one that a certificate of the manifest brings. */
function recordOrigins(
  site: Site,
  { name, address, from }: Pick<DeclaredRecord, "name" | "address" | "from">,
): readonly Origin[] {
  const certificate = site.certificates.find((each) => each.from === from);
  const guest = site.guests.find((each) => each.address === address && !each.template);
  if (certificate !== undefined) {
    const serves = guest === undefined ? [] : [guestOrigin(guest), addressOrigin(guest)];
    return [{ at: from, keys: [`sans/${name}`, "common_name"], says: "names it in the manifest" }, ...serves];
  }
  const own: Origin = { at: from, keys: ["../ip"], says: "its address", optional: true };
  return [
    { at: from, says: "declares the record" },
    own,
    ...(guest !== undefined && guest.from.file === from.file ? [addressOrigin(guest)] : []),
  ];
}
