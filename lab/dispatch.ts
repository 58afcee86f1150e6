/** Which program or script a command is. */
import type { CommandResult } from "../src/hosts/host.ts";
import { scriptOf } from "../src/hosts/script.ts";
import type { HostName } from "../src/resource.ts";
import { failed, type Lab, type LabCommand, type Program } from "./parts.ts";
import { programOn } from "./programs/index.ts";
import { scripts } from "./scripts/index.ts";

/** Whether the host has the command's program, or the command is a script. */
export function canStart(lab: Lab, host: HostName, argv: LabCommand["argv"]): boolean {
  return scriptOf(argv) !== undefined || programOn(lab, host, argv[0] ?? "") !== undefined;
}

/** Runs a command as the host would. A program or script that is not there gives 127. */
export async function dispatch(lab: Lab, host: HostName, command: LabCommand): Promise<CommandResult> {
  const { argv, stdin = "", effect } = command;
  const context = effect === "read" ? lab.reading : lab;
  const script = scriptOf(argv);
  const run = (program: Program, args: readonly string[]): CommandResult | Promise<CommandResult> =>
    program({ context, host, args, stdin, effect });
  if (script !== undefined) {
    const program = scripts[script.name];
    if (program !== undefined) return run(program, script.parameters);
    return failed(127, `sh: the lab does not know the script ${script.name}: add it to lab/scripts`);
  }
  const program = programOn(lab, host, argv[0] ?? "");
  if (program === undefined) return failed(127, `${argv[0] ?? ""}: command not found`);
  return run(program, argv.slice(1));
}
