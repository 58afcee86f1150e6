/** What the mesh asks the members of a Swarm: the label's health check, else the container's own, and never a guess. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { inDirectory } from "./tree.ts";

const example = join(import.meta.dirname, "../../examples/cluster");
const file = "stacks/hello/docker-compose.yml";

const declared = 'test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:8080/"]';

async function healthOf(edit: (text: string) => string): Promise<unknown> {
  return inDirectory(async (directory) => {
    cpSync(example, directory, { recursive: true });
    const path = join(directory, file);
    const text = readFileSync(path, "utf8");
    const edited = edit(text);
    writeFileSync(path, edited);
    const { site } = await loadSite(directory);
    const service = site?.services.find(({ stack }) => stack === "hello");
    expect(service?.backend.others).toEqual(["192.168.60.32"]);
    return service?.loadBalancer.healthCheck;
  });
}

const label = (text: string) =>
  text.replace(
    /^ {4}ports:/m,
    `    labels:\n      traefik.http.services.hello.loadbalancer.healthcheck.path: /up\n    ports:`,
  );

test.each([
  ["its own", (text: string) => text, { path: "/" }],
  ["a path", (text: string) => text.replace('8080/"]', '8080/ready?full=1"]'), { path: "/ready?full=1" }],
  [
    "a shell's line",
    (text: string) => text.replace(declared, "test: curl -fsS http://localhost:8080/up || exit 1"),
    { path: "/up" },
  ],
  ["another port", (text: string) => text.replace("127.0.0.1:8080/", "127.0.0.1:9090/"), undefined],
  ["no request", (text: string) => text.replace(declared, 'test: ["CMD", "pg_isready"]'), undefined],
  ["switched off", (text: string) => text.replace(declared, "disable: true"), undefined],
  ["a label", label, { path: "/up" }],
  [
    "an update that leaves no time to ask",
    (text: string) => text.replace("delay: 10s", "delay: 4s"),
    undefined,
  ],
  ["an update without a pause", (text: string) => text.replace("delay: 10s\n", "\n"), undefined],
  [
    "one task",
    (text: string) => text.replace("replicas: 2", "replicas: 1").replace("delay: 10s", "delay: 0s"),
    { path: "/" },
  ],
])("health check: %s", async (_, edit, expected) => {
  expect(await healthOf(edit)).toEqual(expected);
});
