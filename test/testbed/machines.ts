/** The testbed's machines for tests: boot, reset, run commands inside, look at files. See testbed/README.md. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export const folder = join(import.meta.dirname, "../../testbed");

/** "pve", "lxc-101", "vm-1001", "client"; "pve2" is another node of a cluster. */
export type Machine = "pve" | "pve2" | "client" | `lxc-${number}` | `vm-${number}`;

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A testbed of the tests' own, so that one that somebody works with is left alone. */
export const environment = {
  ...process.env,
  PHOENIX_TESTBED_RUN: process.env.PHOENIX_TESTBED_RUN ?? "/var/lib/phoenix-testbed-tests",
};

/** A line in the output of the tests, for whoever waits. */
export function say(text: string): void {
  process.stderr.write(`testbed: ${text}\n`);
}

/** Why no machine can be booted here; undefined when they can. What they are built of is there once this is known. */
export const unavailable: string | undefined = await obstacle();
if (unavailable !== undefined) say(`its tests are skipped: ${unavailable}`);

async function obstacle(): Promise<string | undefined> {
  if (process.platform !== "linux") return "the testbed needs Linux";
  if (process.getuid?.() !== 0) return "the testbed boots machines, which only root can";
  if (!existsSync("/etc/debian_version")) return "the testbed is built with Debian's tools";
  if (!existsSync("/dev/fuse")) return "there is no /dev/fuse here, which /etc/pve needs";
  // Root of a container without privileges may not mount.
  const spaces = await ended("unshare", [
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "mount",
    "-t",
    "tmpfs",
    "tmpfs",
    "/mnt",
  ]);
  if (spaces.exitCode !== 0) return `no machine can be booted here: ${spaces.stderr.trim()}`;
  const build = await ended(join(folder, "build"), []);
  return build.exitCode === 0
    ? undefined
    : `its parts cannot be built here: ${build.stderr.trim().split("\n").at(-1)}`;
}

/**
 * Builds what is not cached, and boots.
 * @param site a site's directory, or a file with a fabric
 * @param house a directory with files that machines have besides, by machine
 */
export async function boot(site: string, ...house: readonly string[]): Promise<void> {
  await expectTool("up", site, ...house);
}

/** Boots a site whose hypervisor is one node of a cluster. @param nodes a file with a `Cluster` of testbed/furnish/fabric.ts */
export async function bootCluster(nodes: string, site: string): Promise<void> {
  await expectTool("up", "--cluster", nodes, site);
}

/** Cuts a node's power, or gives it back and waits until its guests are up. */
export async function power(state: "off" | "on", node: "pve2"): Promise<void> {
  await expectRun("pve", ["/usr/lib/testbed/node", state, node]);
}

/** Every machine as it was after `boot`. */
export async function reset(): Promise<void> {
  await expectTool("reset");
}

export async function down(): Promise<void> {
  await expectTool("down");
}

/** Runs a command inside a machine. An exit code is a result. */
export function run(machine: Machine, argv: readonly string[], stdin = ""): Promise<Ended> {
  return start("shell", [machine, ...argv], stdin);
}

/** Runs a command that must succeed. @returns its standard output */
export async function expectRun(machine: Machine, argv: readonly string[], stdin = ""): Promise<string> {
  const { exitCode, stdout, stderr } = await run(machine, argv, stdin);
  if (exitCode !== 0)
    throw new Error(`${machine}: ${argv.join(" ")} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

/** Replaces a file in place, as `cat >` does; the directory must be there. */
export async function write(machine: Machine, path: string, text: string): Promise<void> {
  await expectRun(machine, ["sh", "-c", 'cat >"$1"', "sh", path], text);
}

/** The kind of answer that the client gets: an HTTP status, or 0 for none within two seconds. */
export async function httpStatus(
  machine: Machine,
  url: string,
  ...options: readonly string[]
): Promise<number> {
  const asked = [
    "curl",
    "--silent",
    "--output",
    "/dev/null",
    "--max-time",
    "2",
    "--write-out",
    "%{http_code}",
  ];
  const { stdout } = await run(machine, [...asked, ...options, url]);
  return Number(stdout);
}

/** Asks until the answer is the expected one, and then returns it; after the time is up, whatever it is. */
export async function eventually<T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  ms = 10_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (fits(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function expectTool(name: string, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await start(name, args, "");
  if (exitCode !== 0) throw new Error(`testbed/${name} ended with ${exitCode}:\n${stderr}`);
}

function start(name: string, args: readonly string[], stdin: string): Promise<Ended> {
  return ended(join(folder, name), args, stdin);
}

function ended(program: string, args: readonly string[], stdin = ""): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment });
    const texts = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8");
      child[stream].on("data", (data: string) => {
        texts[stream] += data;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 255, ...texts }));
    // A command that does not read its input may be gone before it is written.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
  });
}
