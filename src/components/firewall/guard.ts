/**
 * Commit-confirmed: before the first change a timer is armed on the hypervisor that restores the previous files. Only new
 * connections, made after the change, disarm it. It works when this process is killed, and when the network is gone.
 */
import type { Guard, Io } from "../../component.ts";
import { CandidateError, CommandError } from "../../errors.ts";
import type { Command } from "../../hosts/host.ts";
import { option } from "../../option-names.ts";
import { poll } from "../../poll.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { type Access, checkAccess, unproved } from "./access.ts";
import { commands } from "./commands.ts";
import { paths } from "./compile.ts";
import { type Copies, readCopies } from "./copies.ts";
import { partsOfAll, pathOf } from "./files.ts";
import { readUnits } from "./read.ts";
import { undoDirectory, undoFiles, undoPaths, undoUnit, undoWindowSeconds, wantedAtBoot } from "./undo.ts";

/** How long a new connection is tried for, in milliseconds: well within the window. */
const proofMs = 15_000;

/** How much longer than the window the undo may take, in milliseconds. */
const lateMs = 15_000;

export async function guard(changes: readonly Change[], io: Io): Promise<Guard> {
  const { undoArmed, daemon } = await readUnits(io);
  const wanted = partsOfAll(io.site, changes).flatMap(({ id }) => pathOf(id) ?? []);
  const touched = [...new Set([paths.cluster, ...wanted])];
  const starts = changes.some((change) => subjectOf(change).id === "firewall/service");
  if (changes.length === 0 && !undoArmed) return { confirm: async () => {} };
  // An undo that a killed run left would restore the last confirmed state, which stays the one to restore. It stays armed
  // until the copies are complete and a new undo replaces it.
  const kept = undoArmed ? await readCopies(io) : undefined;
  await prepare(io, touched, daemon.active || !starts, kept);
  if (undoArmed) {
    await stop(io, commands.disarmAtBoot);
    await stop(io, commands.disarm);
  }
  await io.host("pve").remove([undoPaths.restored]);
  const armedAt = io.clock.now();
  // The timer first: a file left behind by a kill in between would undo later changes at some boot.
  await io.host("pve").expect(commands.arm(undoPaths.script, undoDirectory));
  await io.host("pve").writeFiles([wantedAtBoot]);
  return { confirm: () => confirm(io, armedAt) };
}

/** Copies the current files; copies for an undo that never ran are kept. */
async function prepare(
  io: Io,
  touched: readonly string[],
  daemonRuns: boolean,
  kept: Copies | undefined,
): Promise<void> {
  const host = io.host("pve");
  const fresh = touched.filter((path) => kept?.paths.includes(path) !== true);
  const files = new Map([...(kept?.files ?? []), ...(await host.readFiles(fresh))]);
  await host.writeFiles(
    undoFiles([...(kept?.paths ?? []), ...fresh], files, daemonRuns && kept?.stops !== true),
  );
}

async function confirm(io: Io, armedAt: number): Promise<void> {
  const proved = await proveAccess(io);
  if (proved === undefined) {
    if ((await disarm(io)) && !(await isRestored(io))) {
      await forget(io);
      return;
    }
    throw new CandidateError(
      `the undo restored the previous rules: the new ones were not confirmed within ${undoWindowSeconds} s`,
      {
        hint: `\`phoenix plan ${option.only} firewall\` shows the rejected rules; \`phoenix sync firewall\` tries them again`,
      },
    );
  }
  io.waiting("the undo to restore the previous rules", undoWindowSeconds * 1000);
  const forMs = armedAt + undoWindowSeconds * 1000 + lateMs - io.clock.now();
  const patience = { clock: io.clock, forMs, pauseMs: 1_000 };
  const claim = `not so after the firewall changed: ${proved}`;
  if (
    await poll(
      patience,
      () => isRestored(io),
      (restored) => restored,
    )
  ) {
    throw new CandidateError(claim, {
      hint: `\`phoenix plan ${option.only} firewall\` shows the rejected rules`,
    });
  }
  throw new CommandError("pve", 1, claim, { hint: `\`systemctl status ${undoUnit}\` says why` });
}

/** Makes new connections to the hypervisor, again and again for a while. @returns the first claim that still fails */
async function proveAccess(io: Io): Promise<string | undefined> {
  io.waiting(`new connections to ${io.site.hypervisor.address}`, proofMs);
  const look = (): Promise<readonly Access[]> => checkAccess(io);
  const patience = { clock: io.clock, forMs: proofMs, pauseMs: 500 };
  const seen = await poll(patience, look, (all) => all.every(({ answers }) => answers));
  const failed = seen.find(({ answers }) => !answers);
  if (failed === undefined) for (const gap of unproved(io, seen)) io.note(gap);
  return failed?.claim;
}

/** The timer goes last: it still works when this process is killed in between. @returns false when it was already gone */
async function disarm(io: Io): Promise<boolean> {
  await io.host("pve").remove([undoPaths.wantedAtBoot, undoPaths.bootUnit]);
  return stop(io, commands.disarm);
}

/** @returns false when the unit was already gone */
async function stop(io: Io, command: Command): Promise<boolean> {
  const host = io.host("pve");
  const { exitCode, stderr } = await host.run(command);
  if (exitCode === 0) return true;
  // systemctl(1): 5 for a unit that is not loaded, here a timer that has run.
  if (exitCode === 5) return false;
  throw new CommandError("pve", exitCode, `cannot disarm the firewall's undo: ${stderr.trim()}`, {
    hint: `it restores the previous rules within ${undoWindowSeconds} s; then run the command again`,
  });
}

async function isRestored(io: Io): Promise<boolean> {
  return (await io.host("pve").readFiles([undoPaths.restored])).has(undoPaths.restored);
}

async function forget(io: Io): Promise<void> {
  const host = io.host("pve");
  const names = await host.list(undoDirectory);
  await host.remove(names.map((name) => `${undoDirectory}/${name}`));
}
