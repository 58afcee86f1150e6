/** A guest with another name than the site's is somebody else's until there is consent. */
import { expect, test } from "vitest";
import { loadComponents } from "../../src/components/index.ts";
import { newLab, opened, read } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const conf = "/etc/pve/nodes/pve/lxc/102.conf";
const only = { only: ["firewall", "traefik"] };
const adopt = { ...only, allow: ["adopt"] };

async function renamed(to: (text: string) => string) {
  const directory = await newLab();
  const pve = (await opened(directory)).host("pve");
  const text = (await pve.readFiles([conf])).get(conf)!.text;
  await pve.writeFiles([{ path: conf, text: to(text), mode: "640" }]);
  return { directory, mesh: (await opened(directory)).host("lxc/102") };
}

test("is named with both names, and untouched without consent", async () => {
  const { directory, mesh } = await renamed((text) => text.replace("hostname: Traefik", "hostname: Plex"));
  const components = await loadComponents();
  const before = await mesh.expect(read("ls", "/etc/traefik/dynamic"));
  const planned = await planLab(directory, labSite, components, only);
  const hazards = planned.components.find(({ component }) => component === "traefik")?.hazards;
  expect(hazards).toMatchObject([
    {
      consent: "adopt",
      message: expect.stringMatching(
        /102\.conf:\d+: lxc\/102 is "Plex" on the hypervisor and "Traefik" in the site$/,
      ),
      foreign: { takeover: '"Plex" is configured as the site\'s "Traefik"' },
    },
  ]);
  await expect(syncLab(directory, labSite, components, only)).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringMatching(/^(?!.*"Plex".*"Plex")/s),
  });
  expect(await mesh.expect(read("ls", "/etc/traefik/dynamic"))).toBe(before);
  const { components: results } = await syncLab(directory, labSite, components, adopt);
  expect(results.map(({ outcome }) => outcome)).toEqual(["changed", "changed"]);
  const again = await syncLab(directory, labSite, components, only);
  expect(again.components.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged"]);
});

test("is the same guest when a dot is part of its name", async () => {
  const { directory } = await renamed((text) =>
    text.replace("hostname: Traefik", "hostname: traefik-3.3-proxy"),
  );
  const guests = labSite.guests.map((guest) =>
    guest.id === 102 ? { ...guest, name: "traefik-3.3-proxy" } : guest,
  );
  const planned = await planLab(directory, { ...labSite, guests }, await loadComponents(), only);
  expect(planned.components.flatMap(({ hazards }) => hazards)).toEqual([]);
});

test("is the same guest when its name is written in another way, or a snapshot has another one", async () => {
  const { directory } = await renamed(
    (text) => `${text.replace("hostname: Traefik", "hostname: traefik.lan")}\n[before]\nhostname: Plex\n`,
  );
  const planned = await planLab(directory, labSite, await loadComponents(), only);
  expect(planned.components.flatMap(({ hazards }) => hazards)).toEqual([]);
});
