/**
 * Killing a sync at each of its effects. What `kill -9` leaves of a lab is its directory and nothing else, so one sync that
 * keeps a copy of the directory at every such moment stands for as many killed ones; kill-nine.test.ts shows by real
 * signals that it does.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isActivation } from "../../../lab/exec.ts";
import type { Moment, TraceLine } from "./fused-lab.ts";
import { copyOf, discard, freshLab, master, syncedLab } from "./labs.ts";
import { complaints, syncAll } from "./phoenix.ts";
import { program } from "./program.ts";
import type { Scenario } from "./sites.ts";
import { journal, type Tree, treeOf } from "./tree.ts";

/** What a kill would have left, and all the moments in which it would have been left. */
export interface Left {
  /** A lab; never synced, only copied. */
  readonly directory: string;
  readonly moments: readonly Moment[];
}

export interface Kills {
  /** How many commands and requests a full sync makes that change something. */
  readonly effects: number;
  readonly left: readonly Left[];
}

/** Every kill of a full sync of a lab on its first day. */
export async function killsOf(scenario: Scenario): Promise<Kills> {
  const directory = await master(scenario, "moments", async (target) => {
    mkdirSync(target);
    const lab = await freshLab(scenario);
    const { code, stderr } = await program(["sync", "all", "--lab", lab], {
      moments: target,
      env: scenario.env,
    });
    if (code !== 0) throw new Error(`the sync that is looked at ended with ${code}: ${stderr}`);
    discard(lab);
  });
  const moments = readFileSync(join(directory, "index"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Moment);
  const copies = [...new Set(moments.map(({ copy }) => copy))];
  const left = copies.map((copy) => ({
    directory: join(directory, copy),
    moments: moments.filter((moment) => moment.copy === copy),
  }));
  return { effects: Math.max(...moments.map(({ effect }) => effect)), left };
}

/** A lab before its first sync and after it. */
export interface Ends {
  readonly before: Tree;
  readonly after: Tree;
}

export async function endsOf(scenario: Scenario): Promise<Ends> {
  return { before: treeOf(await freshLab(scenario)), after: treeOf(await syncedLab(scenario)) };
}

/** Lets a sync go on from what a kill left; what is wrong before and afterwards, in words. */
export async function goOn(
  { directory, moments }: Left,
  { before, after }: Ends,
): Promise<readonly string[]> {
  const lab = copyOf(directory);
  const found = halfWritten(treeOf(lab), before, after);
  const { code, document, stderr } = await syncAll(lab);
  if (code !== 0)
    found.push(
      `the next sync ended with ${code}: ${complaints(document).slice(0, 3).join("; ")} ${stderr.slice(0, 500)}`,
    );
  const madeUp = document.components?.some(({ activations }) => activations.length > 0);
  const missed = moments.find(
    ({ point, line }) => point === "before" && isActivation(commandIn(line.argv ?? [])),
  );
  if (missed !== undefined && !madeUp)
    found.push(`the activation that did not come to pass was not made up for: ${describe(missed.line)}`);
  found.push(...leftovers(treeOf(lab), after));
  discard(lab);
  const [first] = moments;
  const when = first === undefined ? "" : `${first.point} effect ${first.effect}, ${describe(first.line)}`;
  return found.map((what) => `${when}: ${what}`);
}

/** A guest's command without the words that lead there: `pct exec 101 -- systemctl reload nginx`. */
function commandIn(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf("--");
  return /\b(pct|qm)$/.test(argv[0] ?? "") && at >= 0 ? argv.slice(at + 1) : argv;
}

/** Files that are neither as they were nor as they should be, and not whole either. */
function halfWritten(tree: Tree, before: Tree, after: Tree): string[] {
  return [...tree].flatMap(([path, { kind, content }]) => {
    if (kind !== "file" || !path.startsWith("hosts/") || isLeftover(path)) return [];
    if (content === before.get(path)?.content || content === after.get(path)?.content) return [];
    return isWhole(path, content) ? [] : [`${path} is neither the old nor the new file, and not whole`];
  });
}

/** Text that differs from run to run (keys, ids, times) is whole when it ends as its form demands. */
function isWhole(path: string, content: string): boolean {
  // A unit of systemd begins with "[Unit]".
  if (/^\s*(?:\{|\[(?![A-Z]))/.test(content)) return isJson(content);
  if (content.includes("-----BEGIN")) return /-----END [A-Z ]+-----\n$/.test(content);
  // The lock and what the lab's own machines log.
  return journal.test(path) || /\/var\/log\//.test(path) || content.endsWith("\n") || isToken(content);
}

/** A generated secret: one word without a line feed. */
function isToken(content: string): boolean {
  return /^[\w+/=-]{20,}$/.test(content);
}

function isJson(content: string): boolean {
  try {
    JSON.parse(content);
    return true;
  } catch {
    return false;
  }
}

/** Temporary files of a writer that died. */
function isLeftover(path: string): boolean {
  return /\/\.phx\.[^/]*$|\/run\/phoenix\/[^/]*\.env$/.test(path);
}

/** Portainer's own: a stack that was made twice has another number. */
const ownData = /\/portainer\/data(\/|$)/;

/** Paths that a sync without an accident would not have left, or would have. */
function leftovers(tree: Tree, after: Tree): readonly string[] {
  const names = (of: Tree): readonly string[] =>
    [...of.keys()].filter((path) => path.startsWith("hosts/") && !journal.test(path) && !ownData.test(path));
  const [are, should] = [names(tree), new Set(names(after))];
  return [
    ...are.filter((path) => !should.has(path)).map((path) => `${path} was left behind`),
    ...[...should].filter((path) => !tree.has(path)).map((path) => `${path} is missing`),
  ];
}

function describe(line: TraceLine | undefined): string {
  if (line === undefined) return "unknown";
  const words = line.request ?? (line.argv ?? []).map((word) => word.split("\n", 1)[0]).join(" ");
  return `${line.host}: ${words.length > 120 ? `${words.slice(0, 120)}…` : words}`;
}
