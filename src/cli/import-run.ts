/** The steps of `phoenix import`: read the host, draft the site, write it, and plan it against the same host. */
import type { ExitCode } from "../errors.ts";
import type { Left } from "../import/found.ts";
import { draftOf } from "../import/parts/index.ts";
import { type Found, readHost } from "../import/read/index.ts";
import { refuseOccupied, writeSite } from "../import/save.ts";
import { filesOf } from "../import/write.ts";
import type { Call } from "./command.ts";
import { openDisplay } from "./display.ts";
import { runPlan } from "./plan.ts";
import { writeLines } from "./terminal.ts";
import { openWorld } from "./world.ts";

/** @throws SiteError when the directory holds something already */
export async function importInto(call: Call, directory: string): Promise<ExitCode> {
  await refuseOccupied(directory);
  const { found, left } = await readAll(call);
  const { draft } = await draftOf(found, left);
  const files = filesOf(draft);
  await writeSite(directory, files);
  writeLines(call.terminal.stdout, [`Wrote ${files.length} files to ${directory}.`]);
  return runPlan({ ...call, args: [], options: { ...call.options, site: directory } });
}

async function readAll(call: Call): Promise<{ found: Found; left: readonly Left[] }> {
  const { options, terminal, interruption } = call;
  const display = openDisplay(terminal, options, undefined);
  const world = await openWorld(call, "read", display, interruption.now, new Set());
  const left: Left[] = [];
  try {
    const io = { host: world.host, network: world.network, left: (one: Left) => void left.push(one) };
    const found = await readHost(io, () => undefined);
    return { found, left };
  } finally {
    display.pause();
    await world.close();
  }
}
