/** Portainer's machines with a Portainer of somebody else: named first, stopped with consent alone, and given back on a failure. */
import { expect, test } from "vitest";
import { certificates } from "../../src/components/certificates/index.ts";
import { portainer } from "../../src/components/portainer/index.ts";
import type { Site } from "../../src/model.ts";
import { change, newLab, opened } from "./open.ts";
import { planLab, type SessionOptions, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const text = `services:
  portainer:
    image: portainer/portainer-ce:2.23.0
    container_name: portainer_server
    restart: always
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - portainer_data_nfs:/data
    ports: ["9443:9443", "8000:8000"]
volumes:
  portainer_data_nfs:
    external: true
`;
const site: Site = {
  ...labSite,
  portainer: {
    ...labSite.portainer!,
    compose: { file: "stacks/portainer_service/docker-compose.yml", text },
  },
};
const adopt = { allow: ["adopt"] };

/** Somebody's container on the primary, as `docker run` makes it. */
async function foreignLab(name: string, ...words: readonly string[]) {
  const directory = await newLab(site);
  const vm = (await opened(directory)).host("vm/1001");
  await vm.expect(
    change(
      ...["docker", "run", "-d", "--restart", "always", "--name", name, "-v", "old_data:/data"],
      ...words,
    ),
  );
  const docker = (...args: readonly string[]) => vm.expect(change("docker", ...args));
  const state = (of: string) =>
    docker("inspect", "--format", "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", of);
  return { directory, docker, state };
}

const sync = async (directory: string, options: SessionOptions = {}, of = site) =>
  (await syncLab(directory, of, [certificates, portainer], options)).components[1]!;

test.each([
  [
    "a Portainer on its port",
    "portainer",
    ["-p", "9443:9443", "portainer/portainer-ce:2.19.4"],
    "publishes port 9443",
  ],
  [
    "another program on a port of its Compose file",
    "gitea",
    ["-p", "8000:3000", "gitea/gitea:1"],
    "publishes port 8000",
  ],
  [
    "a container of its name",
    "portainer_server",
    ["portainer/portainer-ce:2.19.4"],
    "has the name of a container",
  ],
])("%s", async (_, name, words, says) => {
  const { directory, docker, state } = await foreignLab(name, ...words);
  const image = words.at(-1) ?? "";
  const planned = await planLab(directory, site, [certificates, portainer]);
  const [hazard] = planned.components[1]!.hazards;
  expect(hazard).toMatchObject({ consent: "adopt", foreign: { host: "vm/1001", name: `container ${name}` } });
  expect(hazard!.message).toContain(`container "${name}" (image ${image}) on vm/1001 ${says}`);
  if (image.includes("portainer"))
    expect(hazard!.foreign?.takeover).toContain("stays in its volumes and does not reach the declared one");
  const before = [await docker("ps", "-aq", "--no-trunc"), await docker("volume", "ls", "-q")];

  await expect(sync(directory)).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringContaining(name),
  });
  expect([await docker("ps", "-aq", "--no-trunc"), await docker("volume", "ls", "-q")]).toEqual(before);
  expect(await state(name)).toBe("running always\n");

  expect(await sync(directory, adopt)).toMatchObject({ outcome: "changed" });
  const aside = name === "portainer_server" ? `${name}-before-phoenix` : name;
  expect(await state(aside)).toBe("exited no\n");
  expect(await docker("volume", "ls", "-q")).toContain("old_data");
  expect(await sync(directory)).toMatchObject({ outcome: "unchanged", changes: [] });
});

test("its container runs again, under its name, when ours cannot", async () => {
  const { directory, state } = await foreignLab(
    "portainer_server",
    "-p",
    "9443:9443",
    "portainer/portainer-ce:2.19.4",
  );
  const { compose } = site.portainer!;
  const unavailable = { ...compose, text: text.replace("portainer-ce:2.23.0", "portainer-ce:missing") };
  const broken = { ...site, portainer: { ...site.portainer!, compose: unavailable } };
  expect(await sync(directory, adopt, broken)).toMatchObject({
    outcome: expect.stringMatching(/failed|rolled-back/),
  });
  expect(await state("portainer_server")).toBe("running always\n");
});
