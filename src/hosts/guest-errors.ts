/** Failures between the hypervisor and a guest, before the guest's command runs. */
import { CommandError, TransportError, WrongHostError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { GuestName } from "../resource.ts";
import { programOf } from "./command-error.ts";
import type { CommandResult } from "./host.ts";

/** This node does not have the guest: it is on another node, or does not exist. Its node must be looked up again. */
export class NotOnNodeError extends TransportError {}

/** "lxc/102" is kind "lxc" and id 102. */
export function partsOf(name: GuestName): { kind: "lxc" | "vm"; id: number } {
  const [kind, id] = name.split("/");
  return { kind: kind === "lxc" ? "lxc" : "vm", id: Number(id) };
}

/** The error lines of a Proxmox command, without Perl's warnings about the locale. */
export function errorLines({ stderr }: CommandResult): readonly string[] {
  const lines = stderr.split("\n").map((line) => line.trim());
  return lines.filter(
    (line) =>
      line !== "" && !line.startsWith("perl: warning:") && !/^(LANGUAGE|LC_|LANG|are supp)/.test(line),
  );
}

/** The error of a machine that lacks the guest or the Proxmox program; undefined when it has both. */
export function notHere(
  program: "pct" | "qm",
  target: GuestName,
  result: CommandResult,
): TransportError | WrongHostError | undefined {
  const lines = errorLines(result);
  // PVE's message for a guest that this node does not have (pve-container 6.1, qemu-server 9.2).
  const absent = `/${partsOf(target).id}.conf' does not exist`;
  if (lines.some((line) => line.startsWith("Configuration file 'nodes/") && line.endsWith(absent)))
    return new NotOnNodeError(target, `${target} is not on this node`);
  // From the machine's shell, from `timeout` or from us.
  const isMissing = (line: string): boolean =>
    line === `${program}: command not found` ||
    line.endsWith(`: ${program}: not found`) ||
    /^timeout: failed to run command/.test(line);
  if (result.exitCode !== 127 || !lines.some(isMissing)) return undefined;
  return new WrongHostError(`this is not a Proxmox VE host: ${program} is not installed`, {
    hint: `run phoenix on a Proxmox host, or name one with ${option.host}`,
  });
}

/**
 * pct and qm decode their arguments by the locale and would garble other characters; any text may travel by standard input.
 * @throws CommandError
 */
export function refuseNonAscii(kind: "lxc" | "vm", id: number, argv: readonly string[]): void {
  const target = `${kind}/${id}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a script has line feeds
  const foreign = argv.find((argument) => !/^[\x01-\x7f]*$/.test(argument));
  if (foreign === undefined) return;
  throw new CommandError(
    target,
    126,
    `${programOf(argv)} cannot run on ${target}: ${JSON.stringify(foreign.slice(0, 80))} is not plain ASCII`,
    { hint: "use plain ASCII in paths and commands of guests" },
  );
}
