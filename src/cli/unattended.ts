/** `phoenix unattended …`: the runs that nobody watches, as the timers start them. */
import type { CommandDefinition } from "./command.ts";

const first = "The site is updated from its git repository before, where it declares `unattended.source`.";

const verify: CommandDefinition = {
  name: "unattended verify",
  summary: "look at everything and prove it, as a timer does; repair nothing",
  description: [
    "Plans and verifies, and remembers what it found for `phoenix status`, metrics and notices. It waits for another",
    `run to end. ${first}`,
  ],
  uses: ["only", "skip", "quiet", "lockWait", "output", "timeout"],
  examples: [["phoenix unattended verify --quiet", "what phoenix-verify.timer does every hour"]],
  exits: [
    ["converged", "everything is as the site declares"],
    ["error", "something could not be read, or the site could not be updated from its repository"],
    ["pending", "something differs from the site"],
    ["unverified", "a check failed"],
    "locked",
    "usage",
    "interrupted",
  ],
  run: async (call) => (await import("./unattended-run.ts")).runUnattended(call, "verify"),
};

const sync: CommandDefinition = {
  name: "unattended sync",
  summary: "repair what differs, as a timer does; what disrupts waits for its hours",
  description: [
    "A sync of everything without a consent: what is dangerous is refused. With `unattended.repair_hours` in the site,",
    "what would restart, recreate or move something waits for them. What nobody notices is done at once, and so is a",
    `certificate that is due. ${first}`,
  ],
  uses: ["only", "skip", "quiet", "lockWait", "output", "timeout"],
  examples: [["phoenix unattended sync --quiet --lock-wait 900", "what phoenix-sync.timer does"]],
  exits: [
    "converged",
    ["error", "nothing could be done, or the site could not be updated from its repository"],
    ["pending", "something waits for the repair hours, and all else is in place"],
    "unverified",
    "partial",
    ["refused", "a change is dangerous, or the site has changes that are not committed"],
    "locked",
    "rolledBack",
    "usage",
    "interrupted",
  ],
  run: async (call) => (await import("./unattended-run.ts")).runUnattended(call, "sync"),
};

const pull: CommandDefinition = {
  name: "unattended pull",
  summary: "update the site from its git repository, as an unattended run does first",
  description: [
    "Goes forwards only: changes and commits that are here alone are never lost. A new site that has errors, or that",
    "is not signed as `unattended.source.signed_by` says, is not used.",
  ],
  uses: ["site", "output"],
  examples: [["phoenix unattended pull", "try the settings of unattended.source"]],
  exits: [
    ["converged", "the site is at the newest commit, or ahead of it"],
    ["error", "it could not be updated; the message says why"],
    "usage",
    "interrupted",
  ],
  run: async (call) => (await import("./source.ts")).runPull(call),
};

export const unattendedCommands: readonly CommandDefinition[] = [verify, sync, pull];
