/**
 * The promise itself, for each site: one sync brings everything about and proves it, a second one does nothing at all,
 * and whoever only looks leaves no trace.
 *
 * "Nothing at all" means: every file, directory and link of every machine has the same bytes, modes and times, and so has
 * the lab's own memory (engines, units). Only the journal differs: it writes down that a sync ran.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { readCompose } from "../../../src/formats/compose/index.ts";
import { call } from "../../cli/edge.ts";
import { type Hands, handsIn } from "./hands.ts";
import { freshLab, syncedLab } from "./labs.ts";
import { complaints, idle, planOf, syncAll, verifyOf } from "./phoenix.ts";
import { scenarios, siteOf } from "./sites.ts";
import { differences, journal, treeOf } from "./tree.ts";

/** The lab's table of modes and owners also lists the journal's files. */
const journalModes = /^state\/modes\.json$|^state$/;

describe.each(scenarios())("$name", async (scenario) => {
  const site = await siteOf(scenario);
  let lab: string;
  let hands: Hands;
  beforeAll(async () => {
    lab = await syncedLab(scenario);
    hands = handsIn(lab);
  });

  test("a plan on the first day has everything to do, and changes nothing", async () => {
    const fresh = await freshLab(scenario);
    const before = treeOf(fresh);
    const { code, document, stderr } = await planOf(fresh);
    expect(code, stderr).toBe(2);
    expect(document.create).toBeGreaterThan(10);
    expect(differences(before, treeOf(fresh))).toEqual([]);
  });

  test("after a sync every artefact is there", () => {
    const is = (host: Parameters<Hands["text"]>[0], path: string): string =>
      hands.lab.files.status(host, path) === undefined ? `${host} has no ${path}` : "";
    const missing = [
      is("pve", "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt"),
      is("pve", "/etc/dnsmasq.d/phoenix.conf"),
      is("pve", "/etc/phoenix/hosts.d/phoenix.hosts"),
      is("pve", "/etc/pve/firewall/cluster.fw"),
      ...site.guests
        .filter(({ template, firewall }) => !template && firewall?.enabled === true)
        .map(({ id }) => is("pve", `/etc/pve/firewall/${id}.fw`)),
      ...site.certificates.flatMap(({ certPath, keyPath }) => [is("pve", certPath), is("pve", keyPath)]),
      is(site.roles.mesh.host, "/etc/traefik/dynamic/dynamic_conf.yml"),
      is(site.roles.gateway.host, "/etc/nginx/sites-enabled/gateway"),
      ...site.stacks.map(({ guest, share, name }) => is(guest.host, `${share.mountPoint}/stacks/${name}`)),
    ];
    expect(missing.filter((line) => line !== "")).toEqual([]);
  });

  test("Portainer knows its environments and stacks, and each machine runs their containers", () => {
    const { portainer } = site;
    expect(portainer).toBeDefined();
    if (portainer === undefined) return;
    const { endpoints, stacks, users } = hands.portainer(portainer.guest.host).read();
    expect(users.map(({ name }) => name)).toEqual([portainer.adminUser]);
    expect(endpoints.map(({ Name }) => Name).sort()).toEqual(
      portainer.environments.map(({ name }) => name).sort(),
    );
    const idOf = new Map(endpoints.map(({ Id, Name }) => [Name, Id]));
    const wanted = site.stacks.map(
      ({ project, portainerEnvironment }) => `${project} on ${idOf.get(portainerEnvironment)}`,
    );
    expect(stacks.map(({ Name, EndpointId }) => `${Name} on ${EndpointId}`).sort()).toEqual(
      [...wanted].sort(),
    );
    for (const { compose, variables, project, guest } of site.stacks) {
      const values = new Map(variables.map(({ name, value }) => [name, value.reveal()]));
      const services = readCompose(compose.text, values).compose?.services.map(({ name }) => name) ?? [];
      const running = hands
        .docker(guest.host)
        .state.containers.filter(({ labels }) => labels["com.docker.compose.project"] === project)
        .map(({ labels, state }) => `${labels["com.docker.compose.service"]} ${state}`);
      expect(running.sort(), project).toEqual(services.map((name) => `${name} running`).sort());
    }
  });

  test("a second sync has 0 changes and 0 activations, and leaves every machine as it was", async () => {
    const before = treeOf(lab);
    const { code, document, stderr } = await syncAll(lab);
    expect(complaints(document), stderr).toEqual([]);
    expect(code).toBe(0);
    expect(idle(document)).toBe(true);
    expect(document).toMatchObject({ created: 0, updated: 0, deleted: 0, reloads: 0, restarts: 0 });
    expect(document.components).toHaveLength(8);
    expect(differences(before, treeOf(lab), [journal, journalModes])).toEqual([]);
  });

  test.each([
    ["plan", 0],
    ["plan --full", 0],
    ["sync all --dry-run", 0],
    ["verify", 0],
    ["status", 0],
    ["check", undefined],
  ])("%s leaves no trace", async (line, wanted) => {
    const before = treeOf(lab);
    const { code, stdout, stderr } = await call([...line.split(" "), "--lab", lab]);
    if (wanted !== undefined) expect(code, stdout + stderr).toBe(wanted);
    expect(differences(before, treeOf(lab))).toEqual([]);
  });

  test("every check of a verification passes", async () => {
    const { code, document } = await verifyOf(lab);
    expect(complaints(document)).toEqual([]);
    expect(code).toBe(0);
    expect(document.components.every(({ checks }) => checks.length > 0)).toBe(true);
  });
});
