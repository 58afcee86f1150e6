/**
 * Runs inside the testbed's pve: a sync of everything with nothing to do, and its longest chain of round trips, replayed
 * alone. Prints one line of JSON. Arguments: the number of rounds.
 */
import { openApis } from "../src/apis/open-apis.ts";
import { loadComponents } from "../src/components/index.ts";
import { sync } from "../src/engine/run.ts";
import { findRoot } from "../src/fabric/ca-files.ts";
import { openRealWorld } from "../src/hosts/open.ts";
import type { Decorator } from "../src/hosts/world.ts";
import { openJournal } from "../src/journal/journal.ts";
import { acquireLock } from "../src/journal/lock.ts";
import { loadSite } from "../src/site/load.ts";
import { chainOf, type Step } from "./chain.ts";

const site = (await loadSite("/usr/local/phoenix_hypervisor")).site;
if (site === undefined) throw new Error("the testbed's site has errors");
const declared = site;

/** One sync as the command runs it, from taking the lock to releasing it, with all its requests. */
async function recordedSync(): Promise<{ wallMs: number; cpuMs: number; steps: readonly Step[] }> {
  const steps: Step[] = [];
  const watch = async <T>(what: string, action: () => Promise<T>): Promise<T> => {
    const askedMs = performance.now();
    try {
      return await action();
    } finally {
      steps.push({ what, askedMs, endedMs: performance.now(), again: action });
    }
  };
  const recorder: Decorator = {
    exec: (exec, host) => (command) => watch(`${host} ${wordsOf(command.argv)}`, () => exec(command)),
    network: (network) => ({
      route: (to) => network.route(to),
      query: (server, name, type) => watch(`DNS ${name}`, () => network.query(server, name, type)),
      connect: (address, port, ms) =>
        watch(`connect ${address}:${port}`, () => network.connect(address, port, ms)),
      handshake: (address, port, options) =>
        watch(`TLS ${options.servername}`, () => network.handshake(address, port, options)),
      request: (request) =>
        watch(`${request.method} ${request.url.split("?", 1)[0]}`, () => network.request(request)),
    }),
  };
  const signal = new AbortController().signal;
  const world = await openRealWorld({ signal, decorators: [recorder] });
  const pve = world.host("pve");
  const components = await loadComponents();
  const before = process.cpuUsage();
  const started = performance.now();
  const lock = await acquireLock(pve, { command: "sync all", clock: world.clock });
  const journal = openJournal(pve);
  const root = findRoot(declared.ca?.rootFiles ?? [], (name) => world.host(name)).then(({ pem }) => pem);
  const apis = openApis(declared, world.network, world.clock, { root: () => root });
  const run = { site: declared, world, apis, journal, emit: () => {}, signal };
  const result = await sync(components, run, { allow: new Set() });
  const record = {
    command: "sync all",
    who: "bench",
    host: "pve",
    siteDigest: "",
    startedMs: world.clock.now(),
  };
  await journal.runs.append({ ...record, exitCode: 0, result });
  await lock.release();
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  for (const { component, outcome, reason, changes } of result.components)
    if (outcome !== "unchanged" || changes.length > 0)
      throw new Error(`${component} is ${outcome}: ${reason ?? "this measures a sync with nothing to do"}`);
  return { wallMs, cpuMs: (user + system) / 1000, steps };
}

/** The command as a person knows it: of a script, its name and its parameters. */
function wordsOf(argv: readonly string[]): string {
  const words =
    argv[0] === "sh" ? argv.slice(2).map((word) => word.replace(/^: phoenix (\S+)\n[\s\S]*/, "$1")) : argv;
  return words.join(" ").slice(0, 100);
}

const rounds: unknown[] = [];
for (let round = 0; round < Number(process.argv[2] ?? 3); round++) {
  const { wallMs, cpuMs, steps } = await recordedSync();
  const chain = chainOf(steps);
  const replayed: { what: string; ms: number; inRunMs: number }[] = [];
  const started = performance.now();
  for (const { what, again, askedMs, endedMs } of chain) {
    const began = performance.now();
    await again();
    replayed.push({ what, ms: performance.now() - began, inRunMs: endedMs - askedMs });
  }
  rounds.push({ wallMs, cpuMs, steps: steps.length, chainMs: performance.now() - started, chain: replayed });
}
console.log(JSON.stringify(rounds));
