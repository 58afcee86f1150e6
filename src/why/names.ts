/** What a name can mean: each of its senses, and every name that can be asked about. */

import { describeHost } from "../fabric/guests.ts";
import { tracedNames } from "../fabric/hops.ts";
import { labelledContainers } from "../fabric/label-origins.ts";
import { memo } from "../fabric/memo.ts";
import type { Guest, Service } from "../model.ts";
import type { Subject, SubjectKind } from "../origin.ts";
import type { Context } from "./context.ts";
import { hostNamed } from "./lines.ts";

/** A meaning of a name: what follows is about one of the subjects. */
export interface Meaning {
  readonly title: string;
  readonly subjects: ReadonlySet<Subject>;
  readonly notes: readonly string[];
  /** Services whose declaring lines are shown although nothing follows from them. */
  readonly services?: readonly Service[];
  readonly guest?: Guest;
  /** The DNS name that it is about: other names of its service are left out. */
  readonly name?: string;
}

const kindWords: Readonly<Record<SubjectKind, string>> = {
  name: "a DNS name",
  address: "an address",
  guest: "a guest",
  port: "a port",
  service: "a service",
  stack: "a stack",
  container: "a service of a Compose file",
  variable: "a variable",
  volume: "a volume",
  network: "a network",
  file: "a file",
  certificate: "a certificate",
  environment: "an environment of Portainer",
  registry: "a registry",
};

/** The kinds of names that can be asked about, for a hint. */
export const kindsOfNames =
  "ask about a DNS name, guest, stack, port (vm/311:3000), address, certificate, variable, resource, a generated file's line (/etc/…:12), or a line or key of the site's files";

/** Every meaning of a name that is not a place in a file. */
export function meaningsOf(context: Context, asked: string): readonly Meaning[] {
  const { site } = context;
  const name = normalized(asked);
  return [
    ...nameMeanings(context, name),
    ...guestMeanings(context, name),
    ...portMeanings(context, name),
    ...addressMeanings(context, name),
    ...otherMeanings(context, asked.trim(), name, site.domain),
  ];
}

/** Without what surrounds a name where people copy it from: a URL, a final dot, upper case. */
function normalized(asked: string): string {
  return asked
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+]*:\/\/([^/]+).*$/, "$1")
    .replace(/(?<=\w)\.$/, "")
    .replace(/@file$/, "");
}

function nameMeanings(context: Context, name: string): readonly Meaning[] {
  const { site } = context;
  const known = new Set([...tracedNames(site), ...site.certificates.flatMap(({ names }) => names)]);
  const full =
    !known.has(name) && !name.includes(".") && known.has(`${name}.${site.domain}`)
      ? `${name}.${site.domain}`
      : name;
  const wildcard = known.has(full) ? undefined : wildcardOf(full, known);
  const found = known.has(full) ? full : wildcard;
  if (found === undefined) return [];
  const services = site.services.filter(({ names }) => names.includes(found));
  const subjects = new Set<Subject>([
    `name:${found}`,
    ...services.flatMap((service) => behind(context, service)),
  ]);
  const notes = wildcard === undefined ? [] : [`${wildcard} covers ${name}`];
  const external = services.filter(({ path }) => path === "external");
  if (external.length > 0)
    notes.push("somebody else's proxy serves it (external): it gets no record, no certificate and no router");
  const titles = services.map((service) =>
    service.stack === undefined
      ? `service ${service.id} of ${describeHost(site, service.guest.host)}`
      : `service ${service.id}, stack ${service.stack} on ${describeHost(site, service.guest.host)}`,
  );
  const title = titles.length === 0 ? kindWords.name : `a name of ${titles.join(" and ")}`;
  return [{ title: `${found}: ${title}`, subjects, notes, services: external, name: found }];
}

/** The widest part of a name is one label: "*.x" stands for every name below x. */
function wildcardOf(name: string, known: ReadonlySet<string>): string | undefined {
  const labels = name.split(".");
  for (let at = 1; at < labels.length; at += 1) {
    const wildcard = `*.${labels.slice(at).join(".")}`;
    if (known.has(wildcard)) return wildcard;
  }
  return undefined;
}

/** What a service's requests end at. */
function behind({ site }: Context, service: Service): readonly Subject[] {
  if (service.path === "external") return [];
  const { guest, backend, stack } = service;
  const containers = labelledContainers(site, service).map((each): Subject => `container:${stack}/${each}`);
  return [`service:${service.id}`, `port:${guest.host}:${backend.port}`, ...containers];
}

function guestMeanings({ site }: Context, name: string): readonly Meaning[] {
  const roles = Object.entries(site.roles).flatMap(([role, guest]) => (role === name ? [guest.host] : []));
  const hosts = new Set([
    ...roles,
    ...site.guests.filter((each) => isCalled(each, name)).map(({ host }) => host),
  ]);
  const guests = [...hosts].flatMap((host) => site.guests.filter((each) => each.host === host));
  const meanings = guests.map((guest): Meaning => {
    const notes = guest.template
      ? ["a template never runs: it gets no name, no service and no firewall"]
      : [];
    const subjects = new Set<Subject>([`guest:${guest.host}`]);
    return { title: `${describeHost(site, guest.host)}: a guest`, subjects, notes, guest };
  });
  if (name !== "pve") return meanings;
  return [
    ...meanings,
    { title: "pve: the hypervisor", subjects: new Set<Subject>(["guest:pve"]), notes: [] },
  ];
}

function isCalled(guest: Guest, name: string): boolean {
  return guest.host === name || guest.name.toLowerCase() === name || String(guest.id) === name;
}

function portMeanings({ site }: Context, name: string): readonly Meaning[] {
  const [, written = "", port = "", last] =
    /^(.+):(\d{1,5})(?:[-:](\d{1,5}))?(?:\/(?:tcp|udp))?$/.exec(name) ?? [];
  const host = hostNamed(site, written);
  if (host === undefined) return [];
  const upTo = Math.min(Number(last ?? port), Number(port) + 1000);
  const subjects = new Set<Subject>(last === undefined ? [] : [`port:${host}:${port}:${last}`]);
  for (let each = Number(port); each <= upTo; each += 1) subjects.add(`port:${host}:${each}`);
  const title = `port ${last === undefined ? port : `${port} to ${last}`} of ${describeHost(site, host)}`;
  return [{ title, subjects, notes: [] }];
}

/** An address, or the name that a question for its name asks for: 10.40.168.192.in-addr.arpa. */
function addressMeanings({ site, explained }: Context, name: string): readonly Meaning[] {
  const reverse = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name)?.slice(1).reverse().join(".");
  const address = reverse ?? name.replace(/\/\d+$/, "");
  if (!/^\d+(?:\.\d+){3}$/.test(address)) return [];
  const owner = site.guests.find((each) => each.address === address && !each.template);
  const subjects = new Set<Subject>([`address:${address}`]);
  if (address === site.hypervisor.address) subjects.add("guest:pve");
  const records = explained.find(({ resource }) => resource.id === "dns/records");
  const first = Object.entries(records?.resource.units ?? {}).find(([, value]) =>
    value.split(", ").includes(address),
  );
  const isKnown =
    first !== undefined ||
    explained.some(({ units }) =>
      [...units.values()].some(({ about }) => about.some((each) => subjects.has(each))),
    );
  if (!isKnown) return [];
  const notes =
    first === undefined
      ? []
      : [
          `asked for the name of ${address} (PTR), the name server answers ${first[0]}: the first name of an address`,
        ];
  const title = owner === undefined ? "an address" : `the address of ${describeHost(site, owner.host)}`;
  return [{ title: `${address}: ${title}`, subjects, notes }];
}

const plainKinds: readonly SubjectKind[] = [
  "service",
  "stack",
  "container",
  "variable",
  "volume",
  "network",
  "file",
  "certificate",
  "environment",
  "registry",
];

/** Everything else is called by its own name. */
function otherMeanings(context: Context, asked: string, name: string, domain: string): readonly Meaning[] {
  const known = subjectsIn(context);
  const wanted = new Set([asked, name]);
  return plainKinds.flatMap((kind) => {
    const tails = [...known]
      .filter((each) => each.startsWith(`${kind}:`))
      .map((each) => each.slice(kind.length + 1));
    const found = tails.filter((tail) => wanted.has(tail) || wanted.has(tail.toLowerCase()));
    // The service behind a name is told with the name.
    if (
      kind === "service" &&
      found.some((id) =>
        context.site.services.some((each) => each.id === id && each.names.includes(`${name}.${domain}`)),
      )
    )
      return [];
    return found.map(
      (tail): Meaning => ({
        title: `${tail}: ${kindWords[kind]}`,
        subjects: new Set([`${kind}:${tail}` as Subject]),
        notes: [],
      }),
    );
  });
}

/** Everything that something is about. */
const subjectsIn = memo(
  ({ explained }: Context): ReadonlySet<Subject> =>
    new Set(
      explained.flatMap(({ why, units, texts }) => [
        ...why.about,
        ...[...units.values()].flatMap(({ about }) => about),
        ...texts.flatMap(({ lines }) => lines.flatMap(({ about }) => about)),
      ]),
    ),
);

/** Every name that can be asked about, each once: for completion, and for what was meant. */
export function namesIn(context: Context): readonly string[] {
  const { site, explained } = context;
  return [
    ...new Set([
      ...tracedNames(site),
      ...site.guests.flatMap(({ host, name }) => [host, name]),
      ...[...subjectsIn(context)].map((subject) => subject.slice(subject.indexOf(":") + 1)),
      ...explained.map(({ resource }) => resource.id),
    ]),
  ];
}
