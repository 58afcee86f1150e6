/** `phoenix portainer …`: what Portainer needs besides a sync. */
import { type ExitCode, exitCodes, NotReadyError, RefusedError, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { isConfirmed, underLock } from "./locked.ts";
import type { Session } from "./session.ts";

export const portainerResetCommand: CommandDefinition = {
  name: "portainer reset-password",
  summary: "give Portainer's administrator the password that the site declares",
  description: [
    "For a password that nobody knows: it was changed in Portainer, or is from another server. A password that",
    "is changed in the site needs no more than a sync.",
    "Portainer stops for about a minute and everybody is logged out; agents and stacks run on.",
  ],
  uses: ["yes", "timeout", "lockWait"],
  examples: [
    ["phoenix portainer reset-password", "say what it stops, and ask"],
    ["phoenix portainer reset-password --yes", "without a question"],
  ],
  exits: [
    "converged",
    "error",
    ["refused", "not approved, or the cluster has no quorum"],
    "locked",
    "usage",
    "interrupted",
  ],
  run: runReset,
};

async function runReset(call: Call): Promise<ExitCode> {
  const { options, terminal } = call;
  if (!options.yes && !terminal.stdin.tty)
    throw new UsageError("`phoenix portainer reset-password` stops Portainer, and asks before it does", {
      hint: `${option.yes} answers the question where there is no terminal`,
    });
  const { withSession } = await import("./session.ts");
  return withSession(call, "change", resetLocked);
}

async function resetLocked(session: Session): Promise<ExitCode> {
  const { call, run, display, site } = session;
  const { portainer } = site;
  if (portainer === undefined)
    throw new NotReadyError("the site declares no Portainer server", {
      hint: 'give a virtual machine "portainer_role": "primary"',
    });
  const [{ resetPassword, resetWarning }, { Turn }] = await Promise.all([
    import("../components/portainer/reset-password.ts"),
    import("../engine/turn.ts"),
  ]);
  display.pause();
  for (const line of resetWarning(portainer)) display.say(line);
  if (!call.options.yes && !(await isConfirmed(session, "Stop Portainer and reset the password?")))
    throw new RefusedError("not approved: nothing was changed");
  const component = session.components.find(({ name }) => name === "portainer");
  await underLock(session, { command: "portainer reset-password" }, async () => {
    if (component !== undefined) await resetPassword(portainer, new Turn(run, component).io);
  });
  display.pause();
  display.say(`${portainer.adminUser} has the configured password, and the login with it works.`);
  return exitCodes.converged;
}
