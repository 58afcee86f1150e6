/** Making a lab: the trees of the hypervisor and its guests as packages and Proxmox leave them, before Phoenix comes. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SiteError } from "../src/errors.ts";
import type { Site } from "../src/model.ts";
import { nodesOf } from "./cluster.ts";
import { furnishExternalPortainer } from "./existing-portainer.ts";
import { factsOf, readFacts, writeFacts } from "./facts.ts";
import { furnishGuest, furnishHost, furnishHypervisor, furnishMounts, startEnabled } from "./furnish.ts";
import { findLab, labVersion, readLab, writeLab } from "./lab-file.ts";
import { contextOf } from "./open-context.ts";
import type { Lab } from "./parts.ts";
import { clusterOf, placesOf } from "./placement.ts";
import { writeGuest, writeGuestList } from "./proxmox-files.ts";
import { createStore } from "./store.ts";

export interface InitOptions {
  /** The names of a cluster's nodes; the first one has the site's address. A single host unless given. */
  readonly nodes?: readonly string[];
}

/**
 * Makes a lab of a site in a directory that is empty or not there.
 * @throws SiteError when something is there already
 */
export async function initLab(directory: string, site: Site, options: InitOptions = {}): Promise<void> {
  await refuseOccupied(directory);
  await build(directory, site, new Date().toISOString(), options.nodes);
}

/**
 * Makes a lab of a host that nobody declared, from a directory: see host-directory.ts. Such a lab is made again by this alone.
 * @throws SiteError when something is there already
 */
export async function initHostLab(directory: string, source: string): Promise<void> {
  await refuseOccupied(directory);
  const { readHostDirectory } = await import("./host-directory.ts");
  const host = readHostDirectory(resolve(source));
  await mkdir(directory, { recursive: true });
  writeFacts(createStore(directory), host.facts);
  await withLab(directory, host.facts, 0, (lab) => furnishHost(lab, host));
  writeLab(directory, { version: labVersion, site: host.path, created: new Date().toISOString() });
}

/**
 * Makes a lab anew from the site it was made for: the same directory, nothing broken, nothing synced.
 * @throws SiteError when there is no lab, or its site has errors
 */
export async function resetLab(directory: string): Promise<void> {
  const { site: root } = readLab(directory);
  const { loadSite } = await import("../src/site/load.ts");
  const { site } = await loadSite(root);
  if (site === undefined) {
    throw new SiteError(`the site in ${root} has errors; the lab was left as it is`, {
      hint: `\`phoenix check --site ${root}\` shows them`,
    });
  }
  const nodes = readFacts(createStore(directory))?.cluster?.nodes.map(({ name }) => name);
  for (const part of ["hosts", "state"]) await rm(join(directory, part), { recursive: true, force: true });
  await build(directory, site, new Date().toISOString(), nodes);
}

/**
 * Brings a lab to a site that has grown since: guests and services that are new in it come into being, and a guest gets what
 * a new role needs. What is there stays as it is.
 */
export async function growLab(directory: string, site: Site): Promise<void> {
  const lab = readLab(directory);
  const store = createStore(directory);
  const facts = factsOf(site, readFacts(store)?.cluster);
  const before = JSON.stringify(store.read("facts"));
  if (JSON.stringify(facts) === before) return;
  const known = new Set(labGuests(before));
  const { roles = {} } = JSON.parse(before ?? "{}") as Partial<Lab["facts"]>;
  const given = Object.entries(facts.roles).filter(
    ([role, host]) => roles[role as keyof typeof roles] !== host,
  );
  for (const [, host] of given) known.delete(host);
  writeFacts(store, facts);
  await withLab(directory, facts, lab.clockOffsetMs ?? 0, async (context) => {
    furnishMounts(context);
    for (const guest of site.guests) {
      if (guest.template || known.has(guest.host)) continue;
      writeGuest(context, site, guest);
      await furnishGuest(context, site, guest);
      await startEnabled(context, guest.host);
    }
    writeGuestList(context);
    await furnishExternalPortainer(context, site);
  });
}

function labGuests(facts: string): readonly string[] {
  const { guests = [] } = JSON.parse(facts ?? "{}") as { guests?: readonly { host: string }[] };
  return guests.map(({ host }) => host);
}

async function build(
  directory: string,
  site: Site,
  created: string,
  nodes: readonly string[] | undefined,
): Promise<void> {
  const cluster = nodes && clusterOf(site, nodes);
  const places = cluster && placesOf(site, cluster);
  await mkdir(directory, { recursive: true });
  const facts = factsOf(site, cluster);
  const store = createStore(directory);
  writeFacts(store, facts);
  await withLab(directory, facts, 0, async (lab) => {
    furnishMounts(lab);
    furnishHypervisor(lab, site, places && ((guest) => places.get(guest) ?? ""));
    for (const guest of site.guests) if (!guest.template) await furnishGuest(lab, site, guest);
    for (const host of [...nodesOf(lab), ...facts.guests].map((machine) => machine.host))
      await startEnabled(lab, host);
    await furnishExternalPortainer(lab, site);
  });
  // Last: a directory without it is no lab, whatever was written when this was interrupted.
  writeLab(directory, { version: labVersion, site: site.root, created });
}

async function withLab(
  directory: string,
  facts: Lab["facts"],
  clockOffsetMs: number,
  use: (lab: Lab) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  try {
    await use(
      contextOf(resolve(directory), createStore(directory), facts, clockOffsetMs, { signal: ended.signal }),
    );
  } finally {
    ended.abort();
  }
}

async function refuseOccupied(directory: string): Promise<void> {
  if (findLab(directory) !== undefined) {
    throw new SiteError(`there is a lab in ${resolve(directory)} already`, {
      hint: `make it anew: phoenix lab reset ${directory}`,
    });
  }
  const names = await readdir(directory).catch(() => []);
  if (names.length === 0) return;
  throw new SiteError(`${resolve(directory)} is not empty, and no lab`, {
    hint: "name a directory that is empty or does not exist yet",
  });
}
