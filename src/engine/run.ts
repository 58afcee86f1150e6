/** What the command line calls: planning, syncing, verifying. */
export { plan } from "./plan-run.ts";
export { sync } from "./sync.ts";
export { verify } from "./verify.ts";
export type { RunJournal, RunWorld } from "./world.ts";
