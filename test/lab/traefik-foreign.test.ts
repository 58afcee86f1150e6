/** Other files in the mesh's watched directory: what has a rule or a name of ours is named, and taken out with consent alone. */
import { expect, test } from "vitest";
import { traefik } from "../../src/components/traefik/index.ts";
import { newLab, opened, read } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const site = { ...labSite, services: labSite.services.filter(({ id }) => id === "ollama") };
const path = "/etc/traefik/dynamic/home.yml";
const service = `
  services:
    mine:
      loadBalancer:
        servers:
          - url: http://10.0.0.155:11434
`;
const others = `    plex:
      rule: Host(\`plex.lan\`)
      service: mine
`;
const twin = `    chat:
      rule: 'Host("ollama.lab.test")'
      entryPoints: [web]
      service: mine
`;
const quoted = (text: string) => text.replace(/^(?=.)/gm, "# taken over by phoenix: ");

async function foreignLab(text: string) {
  const directory = await newLab(site);
  const mesh = (await opened(directory)).host("lxc/102");
  await mesh.writeFiles([{ path, text, mode: "640" }]);
  const hazards = async () => (await planLab(directory, site, [traefik])).components[0]!.hazards;
  const sync = async (...allow: string[]) =>
    (await syncLab(directory, site, [traefik], { allow })).components[0]!;
  return { directory, hazards, sync, text: () => mesh.expect(read("cat", path)) };
}

test.each([
  [
    "beside others",
    `http:\n  routers:\n${others}${twin}${service}`,
    6,
    `http:\n  routers:\n${others}${quoted(twin)}${service}`,
  ],
  ["alone", `http:\n  routers:\n${twin}${service}`, 3, `http:\n${quoted(`  routers:\n${twin}`)}${service}`],
  [
    "by its name",
    `http:\n  routers:\n    ollama:\n      rule: Host(\`other.lan\`)\n      service: mine\n${service}`,
    3,
    `http:\n${quoted("  routers:\n    ollama:\n      rule: Host(`other.lan`)\n      service: mine\n")}${service}`,
  ],
])("a router of ours %s in another file", async (_, before, line, after) => {
  const { hazards, sync, text } = await foreignLab(before);
  expect(await hazards()).toMatchObject([
    { consent: "adopt", foreign: { host: "lxc/102", name: `${path}:${line}` } },
  ]);
  await expect(sync()).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringContaining(`${path}:${line}`),
  });
  expect(await text()).toBe(before);
  expect(await sync("adopt")).toMatchObject({ outcome: "changed" });
  expect(await text()).toBe(after);
  expect(await sync()).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
});

test("a router that cannot be taken out by its lines is left to its author", async () => {
  const inline = 'http: {routers: {chat: {rule: "Host(`ollama.lab.test`)", service: mine}}}\n';
  const { hazards, sync } = await foreignLab(inline);
  const [hazard] = await hazards();
  expect(hazard).toMatchObject({ hint: `remove router "chat" from ${path}`, foreign: { name: `${path}:1` } });
  expect(hazard).not.toHaveProperty("consent");
  await expect(sync("adopt")).rejects.toMatchObject({ exitCode: 5 });
});

test("other routers stay, and ask for nothing", async () => {
  const { hazards, sync, text } = await foreignLab(`http:\n  routers:\n${others}${service}`);
  expect(await hazards()).toEqual([]);
  expect(await sync()).toMatchObject({ outcome: "changed" });
  expect(await text()).toBe(`http:\n  routers:\n${others}${service}`);
});
