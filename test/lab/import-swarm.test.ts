/** Import of a Docker Swarm: its machines are its members, its stacks come back, and what only a person can say is told. */
import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { initLab } from "../../lab/init.ts";
import { openLab } from "../../lab/lab.ts";
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import { adminPasswordFile } from "../../src/fabric/portainer-files.ts";
import { plain } from "../../src/import/json.ts";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { type Imported, importLab } from "./import.ts";
import { hostLab, newDirectory, prepared } from "./open.ts";

const example = join(import.meta.dirname, "../../examples/cluster");

async function siteIn(path: string) {
  const { site, problems } = await loadSite(path);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return site!;
}

const wiki = `services:
  web:
    image: nginx:1.27
    ports:
      - target: 80
        published: \${PORT}
        mode: host
    environment:
      GREETING: \${GREETING}
    volumes:
      - /persistent-storage/media:/media:ro
      - ./app.ini:/etc/app.ini
    deploy:
      endpoint_mode: dnsrr
`;

const environment = (host: string, port: number) => ({
  variables: { PORT: String(port), GREETING: 'it\'s $5 "here"' },
  files: [{ source: "app.ini", destination_in_container: "/etc/app.ini" }],
  services: {
    web: {
      traefik_labels: [
        "traefik.enable=true",
        `traefik.http.routers.${host}.rule=Host(\`${host}.elm.home.arpa\`)`,
        `traefik.http.services.${host}.loadbalancer.server.port=80`,
      ],
    },
  },
});

/** The example with a stack in two environments, whose files and variables are harder. */
async function declaredSite(): Promise<string> {
  const directory = await newDirectory();
  await cp(example, directory, { recursive: true });
  const at = (path: string) => join(directory, path);
  await mkdir(at("stacks/wiki"));
  const environments = { production: environment("wiki", 8091), test: environment("wiki-test", 8092) };
  await writeFile(at("stacks/wiki/docker-compose.yml"), wiki);
  await writeFile(at("stacks/wiki/app.ini"), "mode = plain\n");
  await writeFile(at("stacks/wiki/phoenix.json"), JSON.stringify({ environments }));
  const config = await readFile(at("etc/phoenix_hypervisor_config.json"), "utf8");
  const more = '"node_exporter", "wiki", { "name": "wiki", "environment": "test" }]';
  expect(config).toContain('"node_exporter"]');
  await writeFile(at("etc/phoenix_hypervisor_config.json"), config.replace('"node_exporter"]', more));
  return directory;
}

/** The host that Phoenix makes of it. */
const syncedLab = prepared(async () => {
  const [lab, declared] = [await newDirectory(), await declaredSite()];
  const site = await siteIn(declared);
  await initLab(lab, site, { nodes: ["pve", "pve2"] });
  expect(await call(["sync", "all", "--site", declared, "--lab", lab, "--yes"])).toMatchObject({ code: 0 });
  return lab;
});

const machine = ({ draft }: Imported, host: "vm/431" | "vm/432") => plain(draft.guests.get(host)!);
const told = ({ draft }: Imported) => draft.left.map(({ what, reason }) => `${what}: ${reason}`);

describe("a Swarm that Phoenix made", () => {
  test("has its machines as members, and none of them is an agent's", async () => {
    const imported = await importLab(await syncedLab());
    expect(machine(imported, "vm/431")).toMatchObject({ swarm: "grove", swarm_role: "manager" });
    expect(machine(imported, "vm/432")).toMatchObject({ swarm: "grove" });
    for (const host of ["vm/431", "vm/432"] as const) {
      expect(machine(imported, host)).not.toHaveProperty("portainer_role");
      expect(machine(imported, host)).not.toHaveProperty("portainer_environment_name");
    }
    expect(machine(imported, "vm/432")).not.toHaveProperty("swarm_role");
    const { swarms } = await siteIn(imported.root);
    expect(swarms).toMatchObject([{ name: "grove", environment: "grove" }]);
  });

  test("comes back with its stacks: a sync would change nothing, and a second import neither", async () => {
    const lab = await syncedLab();
    const site = join(await newDirectory(), "site");
    const first = await call(["import", site, "--lab", lab]);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining("In sync: ") });
    const { stacks } = await siteIn(site);
    expect(stacks.filter(({ swarm }) => swarm === "grove").map(({ name }) => name)).toEqual([
      ...["hello", "board", "node_exporter", "wiki", "wiki"],
    ]);
    expect(await readFile(join(site, "stacks/wiki/docker-compose.yml"), "utf8")).toBe(wiki);
    expect(await readFile(join(site, "stacks/board/settings.yml"), "utf8")).toBe(
      await readFile(join(example, "stacks/board/settings.yml"), "utf8"),
    );
    const again = await call(["import", site, "--lab", lab]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^In sync: /) });
  });

  test("keeps its secrets; who does as the report says declares them, and changes nothing by it", async () => {
    const lab = await syncedLab();
    const imported = await importLab(lab);
    const [secret, ...others] = told(imported).filter((line) => line.startsWith("secret "));
    expect(others).toEqual([]);
    expect(secret).toMatch(
      /^secret board_database_password_[0-9a-f]{8} of stack board: .* put its content into secrets\/database_password, /,
    );
    const at = (path: string) => join(imported.root, path);
    const edit = async (path: string, from: RegExp, to: string) =>
      writeFile(at(path), (await readFile(at(path), "utf8")).replace(from, to));
    await copyFile(join(example, "secrets/board_database_password"), at("secrets/database_password"));
    await edit(
      "stacks/board/docker-compose.yml",
      /external: true\n\s+name: board_database_password_\w+/,
      "file: secrets/database_password",
    );
    await edit(
      "stacks/board/phoenix.json",
      /"files": \[/,
      '"files": [{ "source": "secrets/database_password" }, ',
    );
    const site = await siteIn(imported.root);
    expect(site.stacks.find(({ name }) => name === "board")?.files).toHaveLength(2);
    expect(await call(["plan", "--site", imported.root, "--lab", lab])).toMatchObject({ code: 0 });
  });
});

describe("without Portainer's credentials", () => {
  test("members are declared, and what runs in the Swarm is told with its services", async () => {
    const lab = await syncedLab();
    await rm(join(lab, "hosts/vm-430", adminPasswordFile));
    const world = await openLab(lab, { signal: new AbortController().signal });
    const create = (Name: string, Labels = {}) =>
      askDocker(world.host("vm/431"), "POST", "/services/create", {
        ...{ Name, Labels },
        TaskTemplate: { ContainerSpec: { Image: "nginx:1.27" } },
      });
    await create("shop_web", { "com.docker.stack.namespace": "shop" });
    await create("lone");
    await world.close();
    const imported = await importLab(lab);
    expect(machine(imported, "vm/431")).toMatchObject({ swarm: "grove", swarm_role: "manager" });
    expect(machine(imported, "vm/432")).toMatchObject({ swarm: "grove" });
    await siteIn(imported.root);
    expect(told(imported)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^stack shop of the Swarm: shop_web \(nginx:1\.27\): Portainer has not told/),
        expect.stringMatching(
          /^stack hello of the Swarm: hello_web \(nginxinc\/nginx-unprivileged:[^@]*\): /,
        ),
        expect.stringMatching(
          /^service lone \(nginx:1\.27\) of the Swarm: it was made with `docker service create`/,
        ),
      ]),
    );
    expect(told(imported).join("\n")).not.toContain("portainer_agent");
  });
});

test("a Swarm that the command line made is declared, and a sync would leave it as it is", async () => {
  const lab = await hostLab("plain-compose");
  const world = await openLab(lab, { signal: new AbortController().signal });
  await askDocker(world.host("vm/301"), "POST", "/swarm/init", {
    ...{ ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "10.30.0.31" },
  });
  await world.close();
  const site = join(await newDirectory(), "site");
  expect(await call(["import", site, "--lab", lab])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("In sync: "),
  });
  const { swarms } = await siteIn(site);
  expect(swarms).toMatchObject([
    { name: "swarm", members: [{ guest: { host: "vm/301" }, role: "manager" }] },
  ]);
  const report = await readFile(join(site, "IMPORT.md"), "utf8");
  // A member runs no stacks of its own.
  expect(report).toContain('nothing of it is changed until the Swarm swarm has "docker_stacks": ["gitea"]');
});
