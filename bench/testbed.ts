/**
 * `script/bench --testbed`: measurements that need real machines. A testbed of examples/homelab must run and be in sync. Compares a
 * sync with nothing to do with its longest chain of round trips and with Ansible for the same state, and counts the requests that
 * clients lose while a route is added and removed. Exits with 1 when a limit is exceeded.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { median, table } from "./measure.ts";

/** A sync with nothing to do may take this many times as long as its longest chain. */
const chainLimit = 1.3;
/** Ansible uses at least this many times the processor time. */
const ansibleLimit = 50;

const exampleSite = "/usr/local/phoenix_hypervisor";

/** A copy of the site with one more service, on a machine without a service. */
const addRoute = `rm -rf /run/bench-site && cp -r ${exampleSite} /run/bench-site &&
sed -i '/"name": "docker-two",/a "traefik_service": { "name": "bench-route", "port": 8081 },' /run/bench-site/etc/phoenix_vm_configs.json`;

/** A copy of the site whose stacks have more files: this many for each of the 3 deployments of a stack with files. */
const moreFiles = 150;
const addFiles = `rm -rf /run/bench-files && cp -r ${exampleSite} /run/bench-files && cd /run/bench-files/stacks
for stack in grafana homepage; do
  mkdir -p $stack/pages
  for n in $(seq ${moreFiles}); do
    seq -s ' ' $n 800 >$stack/pages/bench-$n.html
    echo '{ "source": "pages/bench-'$n'.html", "destination_in_container": "/srv/bench/'$n'.html" },'
  done >/run/bench-entries
  sed -i '/"files": \\[/r /run/bench-entries' $stack/phoenix.json
done`;

const rounds = 3;
const [root = ".", built = ".", ansible = "", ...parts] = process.argv.slice(2);
/** Where pve has the programs that are built here. */
const inPve = "/srv/testbed/run/bench";
const runDirectory = process.env.PHOENIX_TESTBED_RUN ?? "/var/lib/phoenix-testbed";
const failures: string[] = [];

rmSync(join(runDirectory, "bench"), { recursive: true, force: true });
cpSync(built, join(runDirectory, "bench"), { recursive: true });
cpSync(join(root, "bench/ansible"), join(runDirectory, "bench/ansible"), { recursive: true });
console.log(
  `load of this machine: ${readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" ")}\n`,
);
const isAsked = (part: string): boolean => parts.length === 0 || parts.includes(part);
if (isAsked("chain")) benchChain();
if (isAsked("route")) await benchRoute();
if (isAsked("ansible")) benchAnsible();
for (const failure of failures) console.log(`limit exceeded: ${failure}`);
if (failures.length === 0) console.log("every limit is kept");
process.exitCode = failures.length > 0 ? 1 : 0;

/** Runs a command in a machine of the testbed. @throws Error with its output, when it does not exit with 0 */
function inMachine(machine: string, ...command: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(join(root, "testbed/shell"), [machine, ...command], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0)
    throw new Error(`${command.join(" ")} in ${machine} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

interface Round {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly steps: number;
  readonly chainMs: number;
  readonly chain: readonly { readonly what: string; readonly ms: number; readonly inRunMs: number }[];
}

function benchChain(): void {
  const lines = inMachine("pve", "node", `${inPve}/sync.mjs`, String(rounds)).trim().split("\n");
  const all = JSON.parse(lines.at(-1) ?? "") as readonly Round[];
  const ratio = median(all.map(({ wallMs, chainMs }) => wallMs / chainMs));
  console.log(
    table([
      [
        "sync with nothing to do",
        "asked",
        "wall ms",
        "own cpu ms",
        "chain",
        "chain alone ms",
        "ratio",
        "limit",
      ],
      ...all.map((round, at) => [
        `round ${at + 1}`,
        String(round.steps),
        round.wallMs.toFixed(0),
        round.cpuMs.toFixed(0),
        String(round.chain.length),
        round.chainMs.toFixed(0),
        (round.wallMs / round.chainMs).toFixed(2),
        "",
      ]),
      ["median", "", "", "", "", "", ratio.toFixed(2), String(chainLimit)],
    ]),
  );
  const last = all.at(-1)?.chain ?? [];
  console.log(
    table([
      ["the chain of the last round", "in the run ms", "alone ms"],
      ...last.map(({ what, ms, inRunMs }) => [what, inRunMs.toFixed(0), ms.toFixed(0)]),
    ]),
  );
  if (ratio > chainLimit) failures.push(`a sync takes ${ratio.toFixed(2)} times its longest chain`);
}

interface Spent {
  readonly wallS: number;
  /** User and system time of the program and of everything it started on the hypervisor and in containers. */
  readonly cpuS: number;
}

/** bash counts the processes that it waited for, and those that these waited for. */
function spentBy(command: string): Spent {
  const script = `TIMEFORMAT='%R %U %S'; { time { ${command}; } >/tmp/bench.out 2>&1; } 2>&1 || { cat /tmp/bench.out; exit 1; }`;
  const [wall = "", user = "", system = ""] =
    inMachine("pve", "bash", "-c", script).trim().split("\n").at(-1)?.split(" ") ?? [];
  return { wallS: Number(wall), cpuS: Number(user) + Number(system) };
}

function benchAnsible(): void {
  cpSync(ansible, join(runDirectory, "bench/ansible-core"), { recursive: true });
  const small = compareAnsible(exampleSite);
  inMachine("pve", "sh", "-euc", addFiles);
  inMachine("pve", "phoenix", "sync", "all", "--quiet", "--site", "/run/bench-files");
  const large = compareAnsible("/run/bench-files");
  // Files that are no longer declared stay; the next bench must not find them.
  inMachine("pve", "phoenix", "sync", "all", "--quiet");
  inMachine("pve", "find", "/tank/vm-persistent-data", "-name", "bench-*.html", "-delete");

  const rows = [["nothing to do", "files and objects", "wall s", "cpu s", "x sync", "wanted"]];
  for (const [name, { tasks, sync, plan, playbook }] of [
    ["the example site", small],
    [`with ${3 * moreFiles} more files`, large],
  ] as const) {
    const row = (program: string, { wallS, cpuS }: Spent, wanted = ""): string[] => [
      `${name}: ${program}`,
      String(tasks),
      wallS.toFixed(1),
      cpuS.toFixed(2),
      (cpuS / sync.cpuS).toFixed(1),
      wanted,
    ];
    rows.push(
      row("phoenix sync all", sync),
      row("phoenix plan", plan),
      row("ansible-playbook", playbook, name === "the example site" ? "" : `>= ${ansibleLimit}`),
    );
  }
  console.log(table(rows));
  const more = (of: (all: typeof small) => Spent): string =>
    ((1000 * (of(large).cpuS - of(small).cpuS)) / (large.tasks - small.tasks)).toFixed(1);
  console.log(
    `One more file costs Phoenix ${more(({ sync }) => sync)} ms and Ansible ${more(({ playbook }) => playbook)} ms.
Ansible ${readFileSync(join(ansible, "version"), "utf8").trim()} reads and compares, as \`phoenix plan\` does; a sync also makes 178 checks from outside. It counts the
user and system time of the program and of all its children that it waited for, also in containers (pct enters them); not
what an agent does in a virtual machine, nor servers that answer. The same for both.\n`,
  );
  const ratio = large.playbook.cpuS / large.sync.cpuS;
  if (ratio < ansibleLimit) failures.push(`Ansible uses only ${ratio.toFixed(1)} times the processor time`);
}

interface Compared {
  /** How many files and objects the playbook manages. */
  readonly tasks: number;
  readonly sync: Spent;
  readonly plan: Spent;
  readonly playbook: Spent;
}

/** A playbook takes minutes: one run of it, and the median of our runs before and after it, because the speed of a machine varies. */
function compareAnsible(site: string): Compared {
  const where = `cd ${inPve}/ansible`;
  inMachine("pve", "sh", "-c", `${where} && ./prepare`);
  const play = `${where} && PYTHONPATH=${inPve}/ansible-core/dist-packages python3 -m ansible playbook site.yml`;
  // The first run may set what a copy does not have; the second one, which counts, has nothing to do.
  const isIdle = (recap: string): boolean =>
    /changed=0/.test(recap) && !/(changed|failed|unreachable)=[1-9]/.test(recap);
  const recapOf = (): string => inMachine("pve", "cat", "/tmp/bench.out");
  const ours = [...spentEach("phoenix sync all", site)];
  let playbook = spentBy(play);
  if (!isIdle(recapOf())) playbook = spentBy(play);
  const recap = recapOf();
  if (!isIdle(recap)) throw new Error(`the playbook had something to do:\n${recap}`);
  const tasks = (recap.match(/^ok: /gm) ?? []).length;
  ours.push(...spentEach("phoenix sync all", site));
  return { tasks, playbook, sync: middle(ours), plan: middle(spentEach("phoenix plan", site)) };
}

function spentEach(command: string, site: string): readonly Spent[] {
  return Array.from({ length: rounds }, () => spentBy(`${command} --site ${site} --quiet`));
}

function middle(all: readonly Spent[]): Spent {
  return { wallS: median(all.map(({ wallS }) => wallS)), cpuS: median(all.map(({ cpuS }) => cpuS)) };
}

interface Tally {
  readonly asked: number;
  readonly answered: number;
  readonly askedAgain: number;
  readonly lost: number;
  readonly why: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}
type Stint = Readonly<Record<"kept" | "fresh", Tally>>;

async function benchRoute(): Promise<void> {
  inMachine("pve", "sh", "-c", addRoute);
  const client = readFileSync(join(root, "bench/testbed-client.mjs"));
  const { status } = spawnSync(
    join(root, "testbed/shell"),
    ["client", "sh", "-c", "cat >/run/bench-client.mjs"],
    {
      input: client,
    },
  );
  if (status !== 0) throw new Error("cannot copy a program to the testbed's client");
  const rows = [
    [
      "requests on unchanged routes",
      "connections",
      "asked",
      "answered",
      "asked again",
      "lost",
      "why",
      "slowest ms",
    ],
  ];
  for (const [what, site] of [
    ["while a route is added", "/run/bench-site"],
    ["while it is removed", exampleSite],
  ] as const) {
    const stints = await askDuring(["phoenix", "sync", "all", "--quiet", "--site", site, "--allow", "prune"]);
    for (const kind of ["kept", "fresh"] as const) {
      const all = stints.map((stint) => stint[kind]);
      const sum = (key: "asked" | "answered" | "askedAgain" | "lost"): number =>
        all.reduce((total, tally) => total + tally[key], 0);
      rows.push([
        what,
        kind === "kept" ? "kept open" : "new each time",
        ...[sum("asked"), sum("answered"), sum("askedAgain"), sum("lost")].map(String),
        all.flatMap(({ why }) => Object.entries(why).map(([reason, n]) => `${reason} x${n}`)).join(", "),
        String(Math.max(...all.map(({ slowestMs }) => slowestMs))),
      ]);
      if (sum("lost") > 0) failures.push(`${sum("lost")} requests were lost ${what}`);
    }
  }
  console.log(table(rows));
  console.log(
    "Asked again: a connection that was kept open was closed by the server before anything of an answer came; every HTTP\nclient repeats such a request by itself, once.\n",
  );
}

/** Clients send requests while a command runs in pve, for at most 30 s at a time. */
async function askDuring(command: readonly string[]): Promise<readonly Stint[]> {
  const names = ["media", "photos", "grafana"].map((name) => `${name}.oak.home.arpa`);
  const change = start("pve", command);
  const stints: Stint[] = [];
  for (let running = true; running; ) {
    const client = start("client", ["node", "/run/bench-client.mjs", "192.168.40.10", ...names]);
    running = await Promise.race([change.ended.then(() => false), client.ended.then(() => true)]);
    client.endInput();
    stints.push(JSON.parse(await client.ended) as Stint);
  }
  await change.ended;
  return stints;
}

/** A command in a machine, with its input open. `ended` is its output; it fails unless the command exits with 0. */
function start(
  machine: string,
  command: readonly string[],
): { ended: Promise<string>; endInput: () => void } {
  const child = spawn(join(root, "testbed/shell"), [machine, ...command], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let [said, complained] = ["", ""];
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    complained += chunk;
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.on("close", (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${command.join(" ")} in ${machine} ended with ${code}:\n${said}${complained}`));
    });
  });
  return { ended, endInput: () => child.stdin.end() };
}
