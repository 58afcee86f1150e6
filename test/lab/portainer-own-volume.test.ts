/** A Portainer that somebody runs by hand goes over with its volume: ours starts with everything that it knows. */
import { expect, test } from "vitest";
import { selfSigned } from "../../lab/self-signed.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { portainer } from "../../src/components/portainer/index.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import type { Site } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import { change } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { jobs, type StacksLab, stacksLab, withStacks } from "./stacks-site.ts";

const text = `services:
  portainer:
    image: portainer/portainer-ce:2.39.1
    container_name: portainer_server
    restart: always
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - data:/data
    ports: ["9443:9443"]
volumes:
  data:
    external: true
`;
const theirs = "services:\n  queue:\n    image: redis:6\n    restart: always\n";
const blog = "services:\n  blog:\n    image: ghost:5\n    restart: always\n";
const components = [certificates, portainer, stacks];
const adopt = { allow: ["adopt"] };

function siteWith(password: string): Site {
  const base = withStacks({ ...jobs, portainerEnvironment: "apps" });
  const [environment] = base.portainer!.environments;
  return {
    ...base,
    portainer: {
      ...base.portainer!,
      adminPassword: new Secret(password),
      agentImage: "portainer/agent:2.39.1",
      compose: { file: "stacks/portainer_service/docker-compose.yml", text },
      environments: [{ ...environment!, name: "apps" }],
    },
  };
}
const site = siteWith("a password of the lab");

/** Theirs is called "server", runs by `docker run -v data:/data`, and serves a certificate of its own. */
async function theirLab(): Promise<StacksLab & { readonly server: (...args: string[]) => Promise<string> }> {
  const lab = await stacksLab();
  await lab.api.createStack(lab.environmentId, { name: "jobs", file: theirs, env: [] });
  await lab.api.createStack(lab.environmentId, { name: "blog", file: blog, env: [] });
  await lab.api.createRegistry({
    name: "house",
    url: "registry.lab.test",
    username: "ann",
    password: new Secret("a secret of hers"),
  });
  const machine = lab.world.host("vm/1001");
  const { cert, key } = await selfSigned(["localhost"]);
  await machine.writeFiles([
    { path: "/opt/portainer/cert.pem", text: cert },
    { path: "/opt/portainer/key.pem", text: key, mode: "600" },
  ]);
  const server = (...args: string[]) => machine.expect(change("docker", ...args));
  await server("restart", "server");
  return { ...lab, server };
}

test("with consent it is stopped and kept, and ours has its environments, stacks and registries", async () => {
  const lab = await theirLab();
  const containers = () => lab.docker("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}");
  const blogBefore = (await containers()).split("\n").find((line) => line.includes("blog"));
  const { hazards } = (await planLab(lab.directory, site, components)).components[1]!;
  expect(hazards.find(({ foreign }) => foreign?.name === "container server")?.foreign?.takeover).toContain(
    'its data is in "data", with which the declared one starts',
  );
  await expect(syncLab(lab.directory, site, components)).rejects.toMatchObject({ exitCode: 5 });
  expect(await lab.server("ps", "--format", "{{.Names}}")).toBe("server\n");

  const first = await syncLab(lab.directory, site, components, adopt);
  expect(first.components, JSON.stringify(first.components, null, 1)).toMatchObject([
    {},
    { outcome: "changed" },
    { outcome: "changed" },
  ]);
  expect(await lab.server("ps", "--format", "{{.Names}}")).toBe("portainer_server\n");
  const state = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
  expect(await lab.server("inspect", "--format", state, "server")).toBe("exited no\n");
  expect(await lab.api.environments()).toMatchObject([{ id: lab.environmentId, name: "apps" }]);
  expect((await lab.api.stacks()).map(({ name }) => name).sort()).toEqual(["blog", "jobs"]);
  expect(await lab.api.registries()).toMatchObject([{ name: "house", username: "ann" }]);
  expect(await containers()).toContain(blogBefore);

  const second = await syncLab(lab.directory, site, components);
  expect(second.components.flatMap(({ changes }) => changes)).toEqual([]);
});

test("a password that is not the one in its data is told with its remedy, and the right one goes on from there", async () => {
  const lab = await theirLab();
  const wrong = await syncLab(lab.directory, siteWith("another password of the site"), components, adopt);
  expect(wrong.components[1]).toMatchObject({
    outcome: "failed",
    reason: expect.stringContaining("Invalid credentials"),
    hint: expect.stringContaining("phoenix portainer reset-password"),
  });
  await syncLab(lab.directory, site, components, adopt);
  const { components: parts } = await syncLab(lab.directory, site, components);
  expect(parts.flatMap(({ changes }) => changes)).toEqual([]);
  expect((await lab.api.stacks()).map(({ name }) => name).sort()).toEqual(["blog", "jobs"]);
});
