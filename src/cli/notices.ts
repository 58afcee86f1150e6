/** `phoenix notices test`: sends a notice to everybody that the site names, and shows how it went. */
import type { CommandDefinition } from "./command.ts";

export const noticesTestCommand: CommandDefinition = {
  name: "notices test",
  arguments: "[name...]",
  summary: "send a test to each target of the site's notices",
  description: [
    "Each target gets one notice that says it is a test, whatever changes of state it is told. Nothing else is done.",
    "Over HTTP it leaves from this machine, mail from the hypervisor. A lab sends to this machine only.",
  ],
  uses: ["site", "host", "output"],
  examples: [
    ["phoenix notices test", "everybody"],
    ["phoenix notices test phone", "the target called phone"],
  ],
  exits: [
    ["converged", "every test arrived"],
    ["error", "one did not arrive, or the site has errors"],
    "usage",
    "interrupted",
  ],
  run: async (call) => (await import("./notices-test.ts")).runNoticesTest(call),
};
