/**
 * Asks real Traefik programs what they make of every recorded dynamic file and set of labels, and writes their answers beside
 * them. Arguments: VERSION=PROGRAM for each. Called by script/record-traefik. Everything listens on loopback.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readCases, writeAnswers } from "./cases.mjs";
import { serveDocker } from "./docker-api.mjs";

const corpus = fileURLToPath(new URL("../../test/cases/recorded/traefik", import.meta.url));

/** A middleware of ours in each provider: once it is there, everything else that is going to be there is. */
const ready = "recorded-ready";
const readyFile = `http: {middlewares: {${ready}: {addPrefix: {prefix: /ready}}}}\n`;
const readyLabels = {
  "traefik.enable": "true",
  [`traefik.http.middlewares.${ready}.addprefix.prefix`]: "/ready",
};

/** What 3.7.15 adds to every router that says nothing about it. */
const defaults = JSON.stringify({
  accessLogs: true,
  metrics: true,
  tracing: true,
  traceVerbosity: "minimal",
});

/** For one case, in milliseconds. A busy machine gets a second try. */
const limit = 20_000;
const tries = 2;

/** In bytes: 3.0.4 eats a gigabyte a second over services that lead to themselves, and never loads them. */
const memoryLimit = 2 ** 31;
const parallel = 3;

for (const argument of process.argv.slice(2)) {
  const [version, program] = argument.split("=");
  for (const kind of ["files", "labels"]) {
    const cases = readCases(join(corpus, kind), kind === "files" ? "dynamic.yml" : "container app");
    const answers = new Map(cases.map(({ name }) => [name, undefined]));
    const queue = [...cases];
    const work = async () => {
      for (let each = queue.shift(); each !== undefined; each = queue.shift())
        answers.set(each.name, await answerTo(program, each.files));
    };
    await Promise.all(Array.from({ length: parallel }, work));
    const source = { program: "Traefik", version };
    writeAnswers(join(corpus, `recorded-${kind}-${version}.json`), source, answers);
    console.log(`Traefik ${version}: ${answers.size} ${kind}`);
  }
}

/** What Traefik makes of one case's file, containers and additional static options. */
async function answerTo(program, files) {
  const directory = mkdtempSync(join(tmpdir(), "record-traefik-"));
  const containers = Object.entries(files).flatMap(([name, text]) =>
    name.startsWith("container ") ? [containerOf(name.slice("container ".length), text)] : [],
  );
  const docker = containers.length === 0 ? undefined : await serveDocker([...containers, readyContainer()]);
  const dynamic = files["dynamic.yml"];
  if (dynamic !== undefined) {
    mkdirSync(join(directory, "dynamic"));
    writeFileSync(join(directory, "dynamic", "case.yml"), dynamic);
    writeFileSync(join(directory, "dynamic", "ready.yml"), readyFile);
  }
  try {
    const providers = [
      ...(docker === undefined
        ? []
        : [
            `--providers.docker.endpoint=tcp://127.0.0.1:${docker.port}`,
            "--providers.docker.exposedByDefault=false",
          ]),
      ...(dynamic === undefined ? [] : [`--providers.file.directory=${join(directory, "dynamic")}`]),
      ...(files.traefik ?? "").split("\n").filter((line) => line !== ""),
    ];
    const wanted = [...(docker === undefined ? [] : ["docker"]), ...(dynamic === undefined ? [] : ["file"])];
    for (let left = tries; ; left -= 1) {
      const answer = await run(program, directory, providers, wanted);
      if (answer !== undefined) return answer;
      if (left === 1) return { accepted: false, message: "(never loaded)" };
    }
  } finally {
    docker?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function readyContainer() {
  return { name: "ready", labels: readyLabels, ports: ["80/tcp"] };
}

/** One label per line; a line that begins with a space continues the one before. Lines with "@" describe the container itself. */
function containerOf(name, text) {
  const container = { name, labels: {}, ports: ["80/tcp"] };
  for (const line of text
    .replace(/\n$/, "")
    .replace(/\n(?=[ \t])/g, "\0")
    .split("\n")) {
    const [, key, value] = /^@(\w+)(?: (.*))?$/.exec(line) ?? [];
    if (key === "ports") container.ports = (value ?? "").split(" ").filter((port) => port !== "");
    else if (key !== undefined) container[key] = value;
    else if (line !== "") {
      const at = line.indexOf("=");
      container.labels[line.slice(0, at)] = line.slice(at + 1).replaceAll("\0", "\n");
    }
  }
  return container;
}

/** Starts it, looks and ends it; undefined when it ended by itself or never loaded. */
async function run(program, directory, providers, wanted) {
  const [web, websecure, api] = await freePorts(3);
  const child = spawn(
    program,
    [
      "--global.checkNewVersion=false",
      "--global.sendAnonymousUsage=false",
      `--entryPoints.web.address=127.0.0.1:${web}`,
      `--entryPoints.websecure.address=127.0.0.1:${websecure}`,
      `--entryPoints.traefik.address=127.0.0.1:${api}`,
      "--api.insecure=true",
      "--providers.providersThrottleDuration=10ms",
      "--log.format=json",
      "--log.level=WARN",
      ...providers,
    ],
    { stdio: ["ignore", "pipe", "pipe"], cwd: directory, env: { PATH: "/usr/bin:/bin", HOME: directory } },
  );
  let log = "";
  child.stdout.on("data", (data) => (log += data));
  child.stderr.on("data", (data) => (log += data));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const over = ended.then(() => undefined);
  try {
    const observed = observe(child.pid, `http://127.0.0.1:${api}`, wanted, () => logged(log, directory));
    return await Promise.race([observed, over]);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

async function observe(pid, base, wanted, messages) {
  const deadline = Date.now() + limit;
  while (Date.now() < deadline) {
    await sleep(20);
    const memory = memoryOf(pid);
    if (memory === undefined) return undefined;
    if (memory > memoryLimit) return { accepted: false, message: "(never loaded: out of memory)" };
    const fault = messages().find(({ providerName, level }) => providerName === "file" && level === "error");
    if (fault !== undefined) return { accepted: false, message: fault.error ?? fault.message };
    const found = await Promise.all(
      wanted.map((provider) => get(`${base}/api/http/middlewares/${ready}@${provider}`)),
    );
    if (found.includes(undefined)) continue;
    await sleep(60);
    const data = await get(`${base}/api/rawdata`);
    if (data === undefined) continue;
    const log = [...new Set(messages().map(textOf))].filter((text) => text !== "").sort();
    return { accepted: true, ...understood(data), ...(log.length === 0 ? {} : { log }) };
  }
  return undefined;
}

/** In bytes; undefined when the process has ended. */
function memoryOf(pid) {
  try {
    const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return Number(pages) * 4096;
  } catch {
    return undefined;
  }
}

async function get(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Of /api/rawdata what the case declares, without what changes from run to run. */
function understood(data) {
  const sections = Object.entries(data).map(([section, objects]) => [
    section,
    Object.fromEntries(
      Object.entries(objects)
        .filter(([name]) => !name.endsWith("@internal") && !/^(recorded-ready|ready-recorded)@/.test(name))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, object]) => [name, plain(object)]),
    ),
  ]);
  return Object.fromEntries(sections.filter(([, objects]) => Object.keys(objects).length > 0));
}

function plain({ using: _using, serverStatus: _status, observability, ...object }) {
  const isDefault = observability === undefined || JSON.stringify(observability) === defaults;
  return {
    ...object,
    ...(isDefault ? {} : { observability }),
    ...(object.error === undefined ? {} : { error: [...object.error].sort() }),
  };
}

function logged(text, directory) {
  return text
    .replaceAll(`${directory}/dynamic/`, "")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
}

/** What a case's log says besides what the answer holds already. */
function textOf({ message = "", error, container, routerName, middlewareName, serviceName, entryPointName }) {
  if (routerName !== undefined || middlewareName !== undefined || serviceName !== undefined) return "";
  if (entryPointName !== undefined && error === undefined) return "";
  // 3.7.15 says so of every static configuration.
  if (message.startsWith("Traefik can reject some encoded characters")) return "";
  const about = container === undefined ? "" : `${container.replace(/-0*(\d+)$/, "")}: `;
  return about + [message, error].filter((text) => text !== undefined && text !== "").join(": ");
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
