/** The Compose file of a Swarm's stack, from what was sent: the same is sent again. */
import { describe, expect, test } from "vitest";
import { preparedForSwarm, type SwarmStack } from "../../src/fabric/swarm-compose.ts";
import { declaredSwarmFile } from "../../src/import/stacks/swarm-file.ts";
import { Secret } from "../../src/secret.ts";

const from = { file: "stacks/wiki/phoenix.json", line: 1, column: 1 };
const share = { name: "persistent", server: "10.0.0.2", path: "/tank/oak", mountPoint: "/share", from };
const directory = "/share/stacks/wiki";

/** What Portainer gets of a stack with these files, and the configs that the Swarm has then. */
function sent(text: string, files: Readonly<Record<string, string>> = {}, more: Partial<SwarmStack> = {}) {
  const stack: SwarmStack = {
    ...{ compose: { file: "stacks/wiki/docker-compose.yml", text }, project: "wiki", variables: [] },
    ...{ labels: {}, volumes: [], share },
    files: Object.entries(files).map(([path, content]) => ({
      ...{ source: `stacks/wiki/${path}`, destination: "", content: new Secret(content), from },
    })),
    ...more,
  };
  const prepared = preparedForSwarm(stack, { values: new Map(), directory, members: 2 });
  const configs = prepared.objects
    .filter(({ kind }) => kind === "config")
    .map(({ name, path }) => [name, new Secret(files[path] ?? "")] as const);
  return {
    ...{ text: prepared.text, project: "wiki", variables: new Map(), directory, share },
    configs: new Map(configs),
    isOneOfSeveral: false,
  };
}

const declared = (...args: Parameters<typeof sent>) => declaredSwarmFile(sent(...args));

describe("what Phoenix put into it is taken out again", () => {
  test.each([
    ["nothing but its labels", "services:\n  web:\n    image: nginx\n"],
    ["a deploy section of its own", "services:\n  web:\n    image: nginx\n    deploy:\n      replicas: 2\n"],
    ["a list of labels", "services:\n  web:\n    image: nginx\n    deploy:\n      labels:\n        - a=b\n"],
    [
      "an external volume",
      "services:\n  web:\n    image: nginx\n    volumes:\n      - data:/data\nvolumes:\n  data:\n    external: true\n",
    ],
    [
      "directories of the share",
      "services:\n  web:\n    image: nginx\n    volumes:\n      - /share/media:/media:ro\n      - ./own:/own\n",
    ],
  ])("%s", (_, text) => {
    const volumes = text.includes("external") ? [{ name: "data", directory: "wiki/data" }] : [];
    expect(declared(text, {}, { volumes }).text).toBe(text);
  });

  test("configs become files beside it, under the name of their entry with the ending that containers see", () => {
    const text = `services:
  web:
    image: nginx
    configs:
      - source: app
        target: /etc/app.ini
configs:
  app:
    file: app.ini
`;
    expect(declared(text, { "app.ini": "a=1\n" })).toEqual({
      text,
      files: [{ path: "app.ini", destination: "", text: "a=1\n", isPrivate: false }],
      volumes: new Map(),
    });
  });

  test("a config that was a file bound by services is one again", () => {
    const text = "services:\n  web:\n    image: nginx\n    volumes:\n      - ./app.ini:/etc/app.ini\n";
    expect(declared(text, { "app.ini": "a=1\n" })).toMatchObject({
      text,
      files: [{ path: "app.ini", destination: "/etc/app.ini", text: "a=1\n" }],
    });
  });

  test("a volume's directory is told where the site would choose another one", () => {
    const text =
      "services:\n  web:\n    image: nginx\nvolumes:\n  data:\n    external: true\n    name: shared\n";
    const found = declared(text, {}, { volumes: [{ name: "shared", directory: "elsewhere" }] });
    expect([...found.volumes]).toEqual([["data", "elsewhere"]]);
    expect(found.text).toBe(text);
  });
});

test("a secret, and a config whose content is not known, stay what the Swarm has", () => {
  const text = `services:
  web:
    image: nginx
    configs: [app]
    secrets: [password]
configs:
  app: { file: app.ini }
secrets:
  password: { file: password }
`;
  const { configs: _, ...rest } = sent(text, { "app.ini": "a=1\n", password: "canary" });
  const found = declaredSwarmFile({ ...rest, configs: new Map() });
  expect(found.files).toEqual([]);
  expect(found.text).toMatch(/app:\n {4}external: true\n {4}name: wiki_app_[0-9a-f]{8}\n/);
  expect(found.text).toMatch(/password:\n {4}external: true\n {4}name: wiki_password_[0-9a-f]{8}\n/);
});

test.each(["phoenix.json", "docker-compose.yml"])(
  "a config that was called %s stays what the Swarm has: the stack's own files keep their place",
  (file) => {
    const text = `services:\n  web:\n    image: nginx\n    volumes:\n      - ./${file}:/etc/app.ini\n`;
    const found = declared(text, { [file]: "a=1\n" });
    expect(found.files).toEqual([]);
    expect(found.text).toContain(`wiki_${file}_`);
  },
);

test("a file that somebody else wrote stays as it is", () => {
  const text = "services:\n  web:\n    image: nginx\n    configs: [a]\nconfigs:\n  a: { external: true }\n";
  const stack = {
    text,
    project: "wiki",
    variables: new Map(),
    directory,
    share,
    configs: new Map(),
    isOneOfSeveral: false,
  };
  expect(declaredSwarmFile(stack)).toEqual({ text, files: [], volumes: new Map() });
});

test("what routes one of several environments stands in phoenix.json", () => {
  const text = "services:\n  web:\n    image: nginx\n    deploy:\n      labels:\n        a: b\n";
  const label = { key: "traefik.enable", value: "true" };
  const found = sent(text, {}, { labels: { web: [{ ...label, from }] } });
  expect(declaredSwarmFile({ ...found, isOneOfSeveral: true })).toMatchObject({
    text,
    labels: new Map([["web", [label]]]),
  });
});
