/** What the command line calls: planning, syncing, verifying. */
export { plan } from "./plan-run.ts";
export { type SyncOptions, sync } from "./sync.ts";
export { verify } from "./verify.ts";
export type { RunJournal, RunOptions, RunWorld } from "./world.ts";
