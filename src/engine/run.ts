/** The engine's door: planning, syncing, verifying. */
export { plan } from "./plan-run.ts";
export { type SyncOptions, sync, verify } from "./sync.ts";
export type { RunJournal, RunOptions, RunWorld } from "./world.ts";
