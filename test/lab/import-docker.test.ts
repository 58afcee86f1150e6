/** Import of Docker: what Phoenix deployed comes back as it was declared, and what others run is told and left alone. */
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openLab } from "../../lab/lab.ts";
import { loadComponents } from "../../src/components/index.ts";
import { compile as compilePortainer } from "../../src/components/portainer/compile.ts";
import { compile as compileStacks } from "../../src/components/stacks/compile.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import { readOnly } from "../../src/hosts/decorators.ts";
import { type Draft, emptyDraft, joined } from "../../src/import/draft.ts";
import type { Left, ReadIo } from "../../src/import/found.ts";
import { plain } from "../../src/import/json.ts";
import { dockerPart } from "../../src/import/parts/docker.ts";
import { readHost } from "../../src/import/read/index.ts";
import { filesOf } from "../../src/import/write.ts";
import type { Site } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import { loadSite } from "../../src/site/load.ts";
import { hostLab, newDirectory, otherLab } from "./open.ts";
import { syncLab } from "./session.ts";
import { stacksLab, web, withStacks } from "./stacks-site.ts";

const homelab = join(import.meta.dirname, "../../examples/homelab");

interface Imported {
  readonly draft: Draft;
  readonly left: readonly Left[];
}

/** The Docker part of an import; the world refuses every change. */
async function imported(directory: string, portainer?: ReadIo["portainer"]): Promise<Imported> {
  const world = await openLab(directory, { signal: new AbortController().signal, decorators: [readOnly] });
  const left: Left[] = [];
  try {
    const { host, network, clock } = world;
    const io = {
      ...{ host, network, clock },
      cluster: () => world.cluster(),
      left: (one: Left) => void left.push(one),
    };
    const found = await readHost(portainer === undefined ? io : { ...io, portainer }, () => undefined);
    const draft = joined(emptyDraft, dockerPart(found));
    return { draft, left: [...left, ...draft.left] };
  } finally {
    await world.close();
  }
}

const told = ({ left }: Imported): readonly string[] =>
  left.map(({ source, what, reason }) => `${source.host}: ${what}: ${reason}`);

const guestsIn = ({ draft }: Imported): unknown =>
  Object.fromEntries([...draft.guests].map(([host, entry]) => [host, plain(entry)]));

async function write(root: string, draft: Draft): Promise<void> {
  for (const { path, text } of filesOf(draft)) {
    if (!/^(?:stacks|secrets)\//.test(path)) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

describe("a host that Phoenix deployed to", () => {
  let site: Site;
  let found: Imported;
  beforeAll(async () => {
    site = (await loadSite(homelab)).site!;
    const directory = await otherLab(site);
    await syncLab(directory, site, await loadComponents());
    found = await imported(directory);
  });

  test("comes back with its stacks, files, variables and secrets as they are declared", async () => {
    const root = await newDirectory();
    await cp(homelab, root, { recursive: true });
    for (const name of ["stacks", "secrets"]) await rm(join(root, name), { recursive: true });
    await write(root, found.draft);
    const { site: again, problems } = await loadSite(root);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const resources = (of: Site) =>
      [...compileStacks(of), ...compilePortainer(of)].map(({ id, text }) => ({ id, text })).sort(byId);
    expect(resources(again!)).toEqual(resources(site));
  });

  test("has its machines, their environments and their stacks", () => {
    expect(guestsIn(found)).toEqual({
      "vm/310": { portainer_role: "primary" },
      "vm/311": {
        portainer_role: "agent",
        docker_stacks: ["grafana", "wiki", "status", "homepage", "node_exporter"],
      },
      "vm/312": {
        portainer_role: "agent",
        docker_stacks: expect.arrayContaining([
          "queue",
          "node_exporter",
          { name: "homepage", environment: "testing" },
        ]),
      },
    });
    expect(plain(found.draft.config)).toEqual({
      docker: { portainer_agent_image: "portainer/agent:2.39.0" },
      portainer_api: {
        admin_password: "file:secrets/portainer_admin_password",
        portainer_hostname: "portainer.oak.home.arpa",
      },
    });
  });

  test("leaves nothing out, and no secret outside of its file", () => {
    expect(told({ draft: found.draft, left: found.draft.left })).toEqual([]);
    const open = filesOf(found.draft).filter(({ isSecret }) => isSecret !== true);
    for (const { text } of found.draft.secrets)
      expect(open.filter((file) => file.text.includes(text.trim()))).toEqual([]);
  });
});

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

describe("a Portainer that somebody else set up", () => {
  const password = { password: new Secret("the admin password") };

  test("has its stacks from its own data without credentials, and says what they are for", async () => {
    const lab = await stacksLab();
    await lab.api.createStack(lab.environmentId, {
      name: "paper",
      file: "services:\n  web:\n    image: nginx:1.27 # as it was\n",
      env: [
        { name: "PASSWORD", value: "'a $secret'" },
        { name: "SIZE", value: "10" },
      ],
    });
    const found = await imported(lab.directory);
    expect(told(found)).toContainEqual(expect.stringMatching(/vm\/1001: a Portainer server: .*credentials/));
    expect(found.draft.stacks.map(({ name, settings }) => ({ name, ...settings }))).toEqual([
      { name: "paper", variables: { PASSWORD: "file:secrets/paper/PASSWORD", SIZE: "10" } },
    ]);
    expect(guestsIn(found)).toEqual({});
  });

  test("stays foreign: its stacks are declared and assigned to no machine", async () => {
    const lab = await stacksLab();
    await lab.api.createStack(lab.environmentId, {
      name: "paper",
      file: "services:\n  web:\n    image: nginx:1.27 # as it was\n",
      env: [
        { name: "DB_PASSWORD", value: "'a $secret'" },
        { name: "TAG", value: "file:x" },
        { name: "SIZE", value: "10" },
      ],
    });
    const { adminPassword } = withStacks(web).portainer!;
    const found = await imported(lab.directory, { password: adminPassword ?? password.password });
    expect(guestsIn(found)).toEqual({});
    const [stack] = found.draft.stacks;
    expect(stack?.compose.text).toBe("services:\n  web:\n    image: nginx:1.27 # as it was\n");
    expect(plain(stack?.settings ?? {})).toEqual({
      variables: {
        DB_PASSWORD: "file:secrets/paper/DB_PASSWORD",
        TAG: "file:secrets/paper/TAG",
        SIZE: "10",
      },
    });
    expect(found.draft.secrets).toEqual([
      { path: "secrets/paper/DB_PASSWORD", text: "a $secret\n" },
      { path: "secrets/paper/TAG", text: "file:x\n" },
    ]);
    expect(told(found)).toContainEqual(expect.stringMatching(/stack paper: it is declared in stacks\/paper/));
  });
});

test("stacks that Phoenix deployed through a Portainer of somebody else's come back with it", async () => {
  const site = (await loadSite(join(homelab, "../stacks-only"))).site!;
  const directory = await otherLab(site);
  await syncLab(directory, site, [stacks]);
  const { apiKey } = site.externalPortainer!;
  const found = await imported(directory, { apiKey: apiKey! });
  expect(guestsIn(found)).toEqual({
    "vm/201": { portainer_environment_name: "local", docker_stacks: ["status"] },
    "vm/202": { docker_stacks: ["dashboard"] },
  });
  expect(plain(found.draft.config)).toEqual({
    portainer_api: {
      external: true,
      url: "https://192.168.70.31:9443",
      fingerprint: expect.stringMatching(/^[0-9A-F]{64}$/),
      api_key: "file:secrets/portainer_api_key",
    },
  });
  const settings = found.draft.stacks.map(({ name, settings: its = {} }) => [name, plain(its)]);
  expect(Object.fromEntries(settings)).toEqual({
    status: {},
    dashboard: { variables: { HOST_NAME: "home.example.net" }, external: true },
  });
});

describe("a machine with Compose projects of its own", async () => {
  const found = await imported(await hostLab("plain-compose"));

  test("has them declared as they are, assigned to no machine, with its secrets in files of their own", () => {
    expect(guestsIn(found)).toEqual({});
    expect({
      stacks: found.draft.stacks.map(({ name, settings, files }) => ({
        name,
        settings: plain(settings ?? {}),
        files: files?.map(({ path, isSecret }) => ({ path, isSecret })),
      })),
      secrets: found.draft.secrets.map(({ path }) => path),
      told: told({ draft: found.draft, left: found.draft.left }),
    }).toMatchInlineSnapshot(`
      {
        "secrets": [
          "secrets/gitea/DB_PASSWORD",
          "secrets/gitea/MAIL_PASSWORD",
          "secrets/photos/DB_PASSWORD",
        ],
        "stacks": [
          {
            "files": [],
            "name": "gitea",
            "settings": {
              "variables": {
                "DB_PASSWORD": "file:secrets/gitea/DB_PASSWORD",
                "MAIL_PASSWORD": "file:secrets/gitea/MAIL_PASSWORD",
              },
            },
          },
          {
            "files": [
              {
                "isSecret": true,
                "path": ".env",
              },
              {
                "isSecret": true,
                "path": "jwt.txt",
              },
            ],
            "name": "photos",
            "settings": {
              "files": [
                {
                  "source": ".env",
                },
                {
                  "destination_in_container": "/run/secrets/jwt",
                  "source": "jwt.txt",
                },
              ],
              "variables": {
                "DB_PASSWORD": "file:secrets/photos/DB_PASSWORD",
                "IMMICH_VERSION": "v1.118.2",
                "UPLOAD_LOCATION": "/mnt/photos",
              },
            },
          },
          {
            "files": [],
            "name": "stopped",
            "settings": {},
          },
        ],
        "told": [
          "lxc/130: Compose project uptime: it runs in a container; Phoenix deploys stacks to virtual machines",
          "vm/301: Compose project gitea: it is declared in stacks/gitea and runs without Portainer: nothing of it is changed until apps has "docker_stacks": ["gitea"]",
          "vm/301: Compose project gitea: the directory ./data is data: Phoenix looks for it below the machine's share, in stacks/gitea, so move it there or write an absolute path",
          "vm/301: Compose project gone: its Compose file /opt/stacks/gone/compose.yml is gone: what runs cannot be told from containers for certain",
          "vm/301: Compose project photos: it is declared in stacks/photos and runs without Portainer: nothing of it is changed until apps has "docker_stacks": ["photos"]",
          "vm/301: Compose project stopped: it is declared in stacks/stopped and runs without Portainer: nothing of it is changed until apps has "docker_stacks": ["stopped"]",
          "vm/301: container redis-by-hand (redis:7): it was started with \`docker run\`; a Compose file in stacks/NAME would declare it",
          "vm/301: container watchtower (containrrr/watchtower): it was started with \`docker run\`; a Compose file in stacks/NAME would declare it",
        ],
      }
    `);
  });
});
