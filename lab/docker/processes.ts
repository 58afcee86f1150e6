/** What the main process of a container does when it starts: most run on, some end. */
import { type ProcessFiles, startPortainerProcess } from "../portainer/process.ts";
import { isResetHelper, resetPassword } from "../portainer/reset-password.ts";
import type { ContainerSpec, ProcessEnd } from "./state.ts";

export interface StartedProcess {
  readonly log: readonly string[];
  /** Absent while nothing ends it. */
  readonly end?: ProcessEnd;
}

export function startProcess(spec: ContainerSpec, files: ProcessFiles): StartedProcess {
  const { image, entrypoint, command } = spec;
  // For tests of what happens to a container that does not stay up.
  if (image.includes("exits"))
    return { log: ["fatal: the process ends at once"], end: { afterMs: 0, exitCode: 1 } };
  if (isPortainer(image)) {
    const { log, exitCode } = startPortainerProcess(spec, files);
    return exitCode === undefined ? { log } : { log, end: { afterMs: 0, exitCode } };
  }
  if (isResetHelper(image)) {
    const { log, exitCode = 0 } = resetPassword(files);
    return { log, end: { afterMs: 0, exitCode } };
  }
  const end = endOf([...entrypoint, ...command]);
  return { log: [`${image} is ready`], ...(end === undefined ? {} : { end }) };
}

/** Of the programs that end by themselves: `false`, `true`, `sleep`, and `sh -c` with a line of these and of `exit`. */
function endOf([program = "", ...args]: readonly string[]): ProcessEnd | undefined {
  switch (program.split("/").at(-1)) {
    case "true":
      return { afterMs: 0, exitCode: 0 };
    case "false":
      return { afterMs: 0, exitCode: 1 };
    case "sleep":
      return sleepOf(args[0] ?? "");
    case "sh":
    case "bash":
    case "ash":
      return args[0] === "-c" ? endOfScript(args[1] ?? "") : undefined;
    default:
      return undefined;
  }
}

function endOfScript(script: string): ProcessEnd | undefined {
  let afterMs = 0;
  let exitCode = 0;
  for (const line of script.split(/;|&&|\n/).map((each) => each.trim())) {
    const [program = "", ...args] = line.split(/\s+/);
    if (program === "exit") return { afterMs, exitCode: Number(args[0] ?? exitCode) };
    const end =
      program === "" || program === "echo" ? { afterMs: 0, exitCode: 0 } : endOf([program, ...args]);
    if (end === undefined) return undefined;
    afterMs += end.afterMs;
    exitCode = end.exitCode;
  }
  return { afterMs, exitCode };
}

/** "5", "1.5m"; "infinity" never ends. */
function sleepOf(text: string): ProcessEnd | undefined {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
  const [, number = "", unit = "s"] = /^([\d.]+)([smhd])?$/.exec(text) ?? [];
  return number === "" ? undefined : { afterMs: Number(number) * (units[unit] ?? 1) * 1_000, exitCode: 0 };
}

/** A Portainer server: its API is on the container's ports 9443 (TLS) and 9000. */
export function isPortainer(image: string): boolean {
  return /(^|\/)portainer\/portainer(-ce|-ee)?([:@]|$)/.test(image);
}

/** A Portainer agent: its API is on the container's port 9001 (TLS). */
export function isAgent(image: string): boolean {
  return /(^|\/)portainer\/agent([:@]|$)/.test(image);
}
