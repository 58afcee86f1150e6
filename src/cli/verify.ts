/** `phoenix verify`: proves the live systems from outside. */
import { defined } from "../defined.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { choicesOf, refuseOff, refuseUnknownResources, targetsOf } from "./targets.ts";

export const verifyCommand: CommandDefinition = {
  name: "verify",
  arguments: "[component...]",
  summary: "prove from outside that everything is as declared; change nothing",
  description: [
    "Checks as a client would: DNS queries, connections, TLS handshakes, HTTP requests. A guest's report about itself",
    "proves nothing.",
  ],
  uses: ["only", "skip", "output", "jsonInto", "parallel", "timeout"],
  examples: [
    ["phoenix verify", "everything"],
    ["phoenix verify nginx traefik", "the gateway and the mesh"],
    ["phoenix verify --output json --json-into proof.json", "the result, for your records"],
  ],
  exits: [
    ["converged", "every check passed"],
    ["error", "the site has errors, or something could not be checked"],
    ["unverified", "a check failed"],
    "usage",
    "interrupted",
  ],
  completes: "targets",
  run: runVerify,
};

async function runVerify(call: Call): Promise<ExitCode> {
  const { options } = call;
  const targets = await targetsOf(call.args, options);
  const { withSession } = await import("./session.ts");
  return withSession(
    call,
    "read",
    async (session) => {
      const { components, off, run, site } = session;
      refuseOff(targets, off);
      refuseUnknownResources(targets.resources, components, site);
      const [{ verify }, { exitCodeOf }, { cutBy, deliverResult }] = await Promise.all([
        import("../engine/run.ts"),
        import("../engine/outcome.ts"),
        import("./run-result.ts"),
      ]);
      const choices = choicesOf(targets, options);
      const result = await verify(components, run, choices);
      const { interruption } = call;
      const exitCode = interruption.reason === "signal" ? exitCodes.interrupted : exitCodeOf(result);
      await deliverResult(session, result, exitCode, defined({ cut: cutBy(interruption) }));
      return exitCode;
    },
    targets,
  );
}
