/** Debian trees without a network, for tests that install packages: each test has a layer of its own over a tree that is kept. */
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Debian 12, without Node, and Debian 13 with its own. */
export type Suite = "bookworm" | "trixie";

export interface Ended {
  readonly exitCode: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

export interface DebianTree {
  /** Runs a shell script in the tree, with its parameters. */
  run(script: string, ...parameters: readonly string[]): Promise<Ended>;
  /** The same, and the output of a success. @throws Error with the output otherwise */
  expect(script: string, ...parameters: readonly string[]): Promise<string>;
  remove(): void;
}

/** Parameters: the tree, the layer's directory, the directory of packages, then the script and its parameters. */
const enter = `
tree=$1 layer=$2 packages=$3
shift 3
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount --bind /dev "$layer/root/dev"
mount --bind -o ro "$packages" "$layer/root/mnt"
exec chroot "$layer/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  sh -c "$@"`;
const namespaces = ["--mount", "--net", "--pid", "--fork", "--propagation", "private"];

/** Why no tree can be entered here; undefined when it can. */
export async function obstacle(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return "they need Linux on an x64 processor";
  if (process.getuid?.() !== 0) return "they need root";
  for (const program of ["debootstrap", "dpkg-deb", "strip"])
    if (await fails("sh", ["-c", 'command -v "$1"', "sh", program])) return `${program} is not installed`;
  if (await fails("unshare", [...namespaces, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]))
    return "no file system can be mounted here";
  for (const suite of ["bookworm", "trixie"] as const) {
    const why = await treeOf(suite).then(
      () => undefined,
      (error) => `${suite} cannot be built: ${String(error.stderr).trim().split("\n").at(-1)}`,
    );
    if (why !== undefined) return why;
  }
  return undefined;
}

async function fails(file: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(file, args).then(
    () => false,
    () => true,
  );
}

/** The directory of a tree, which is built the first time: two minutes. */
async function treeOf(suite: Suite): Promise<string> {
  const { stdout } = await promisify(execFile)(join(import.meta.dirname, "debian-tree"), [suite]);
  return stdout.trim();
}

/** @param packages the directory that is /mnt in the tree */
export async function openTree(suite: Suite, packages: string): Promise<DebianTree> {
  const tree = await treeOf(suite);
  // Beside the tree, because a temporary directory may be on a file system that cannot hold a layer.
  const layer = mkdtempSync(join(dirname(tree), "layer-"));
  for (const part of ["upper", "work", "root"]) mkdirSync(join(layer, part));
  const run = (script: string, ...parameters: readonly string[]): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const args = [...namespaces, "sh", "-eu", "-c", enter, "sh", tree, layer, packages, script, "sh"];
      const child = spawn("unshare", [...args, ...parameters], { stdio: ["ignore", "pipe", "pipe"] });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text) => {
          output += text;
        });
      child.on("error", reject);
      child.on("close", (code) => resolve({ exitCode: code ?? -1, output }));
    });
  return {
    run,
    expect: async (script, ...parameters) => {
      const { exitCode, output } = await run(script, ...parameters);
      if (exitCode !== 0)
        throw new Error(`${script} ${parameters.join(" ")}: exit code ${exitCode}\n${output}`);
      return output;
    },
    remove: () => rmSync(layer, { recursive: true, force: true }),
  };
}
