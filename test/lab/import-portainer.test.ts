/** Import of a Portainer with what Phoenix does not deploy to: each environment and stack is told, with the reason. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../../lab/portainer/database.ts";
import { Secret } from "../../src/secret.ts";
import { importLab } from "./import.ts";
import { hostLab } from "./open.ts";

let report: string;

beforeAll(async () => {
  const lab = await hostLab("portainer-by-hand");
  const path = join(lab, "hosts/vm-311/var/lib/docker/volumes/portainer_data/_data/portainer.db");
  const database = JSON.parse(await readFile(path, "utf8")) as Database;
  const [local] = database.endpoints;
  const [media] = database.stacks;
  const others = [3, 4, 5, 6, 7, 99].map((Type) => ({
    ...{ ...local!, Id: 100 + Type, Name: `type-${Type}`, Type, URL: "https://10.50.0.31" },
  }));
  const git = {
    URL: "https://me:canary-token@git.example/me/media.git",
    ReferenceName: "refs/heads/main",
    ConfigFilePath: "docker-compose.yml",
  };
  const stacks = [
    { ...media!, GitConfig: git },
    { ...media!, Id: 90, Name: "on-edge", EndpointId: 104 },
    { ...media!, Id: 91, Name: "on-tcp", EndpointId: 120 },
  ];
  const tcp = { ...local!, Id: 120, Name: "by-tcp", URL: "tcp://10.50.0.99:2375" };
  const endpoints = [...database.endpoints, ...others, tcp];
  await writeFile(
    path,
    JSON.stringify({ ...database, endpoints, stacks: [...stacks, ...database.stacks.slice(1)] }),
  );
  const credentials = { user: "boss", password: new Secret("canary-portainer-password") };
  const { root } = await importLab(lab, credentials);
  report = await readFile(join(root, "IMPORT.md"), "utf8");
});

const row = (place: string) => report.split("\n").find((line) => line.includes(`Portainer: ${place}\``));

test.each([
  ["type-3", "it is Azure Container Instances"],
  ["type-4", "it is an edge agent on Docker"],
  ["type-5", "it is the Kubernetes that Portainer runs in"],
  ["type-6", "it is an agent on Kubernetes"],
  ["type-7", "it is an edge agent on Kubernetes"],
  ["type-99", "it is of type 99"],
])("environment %s is told", (name, reason) => {
  expect(row(`environment ${name}`)).toContain(`${reason}: Phoenix deploys through`);
});

test("a stack on one of them, and on an engine that no guest is known to be, is told", () => {
  expect(row("stack on-edge")).toContain("its environment type-4 is an edge agent on Docker");
  expect(row("stack on-tcp")).toContain("its environment is not a machine of the site");
});

test("a stack from a Git repository is told with its URL, and without the credentials in it", () => {
  expect(row("stack media")).toContain(
    "Portainer takes it from the Git repository https://git.example/me/media.git",
  );
  expect(report).not.toContain("canary");
});
