/** Running commands in a container, through `pct exec` on the node that has it. Facts: pve-container 6.1. */
import { TransportError, type WrongHostError } from "../errors.ts";
import { errorLines, notHere, refuseNonAscii } from "./guest-errors.ts";
import type { CommandResult, Exec } from "./host.ts";

/** An `Exec` in container `id`. `--keep-env 0` keeps the hypervisor's environment and its short PATH out. */
export function pctExec(parent: Exec, id: number): Exec {
  return async (command) => {
    refuseNonAscii("lxc", id, command.argv);
    const result = await parent({
      ...command,
      argv: ["pct", "exec", String(id), "--keep-env", "0", "--", ...command.argv],
    });
    const error = pctError(id, result);
    if (error !== undefined) throw error;
    return result;
  };
}

/**
 * The error of `pct` itself, if it was not the command that failed. Its exit codes are leftover errno values, or 255, so its
 * messages decide, and only when the command wrote nothing to standard output.
 */
function pctError(id: number, result: CommandResult): TransportError | WrongHostError | undefined {
  if (result.exitCode === 0 || result.stdout !== "") return undefined;
  const target = `lxc/${id}` as const;
  const lines = errorLines(result);
  if (lines.includes(`container '${id}' not running!`)) {
    return new TransportError(target, `${target} is not running`, { hint: `start it: pct start ${id}` });
  }
  const absence = notHere("pct", target, result);
  if (absence !== undefined) return absence;
  const attach = lines.findLast((line) => line.startsWith("lxc-attach: "));
  // A missing program (127) or one that cannot run (126) is the command's own failure, reported by lxc-attach.
  if (attach !== undefined && result.exitCode !== 126 && result.exitCode !== 127) {
    return new TransportError(target, `${target} cannot be entered: ${attach.slice("lxc-attach: ".length)}`, {
      hint: `pct status ${id} shows whether it still runs`,
    });
  }
  const own = lines.find((line) =>
    /^(400 |Unknown option: |can't lock file |missing command at )/.test(line),
  );
  if (own !== undefined) return new TransportError(target, `pct exec ${id} failed: ${own}`);
  return undefined;
}
