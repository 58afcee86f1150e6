/** Failures between the hypervisor and a guest, before the guest's command runs. */
import { CommandError, TransportError } from "../errors.ts";
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

/** PVE's message for a guest that this node does not have (pve-container 6.1, qemu-server 9.2). */
export function isNotOnNode(lines: readonly string[], id: number): boolean {
  return lines.some(
    (line) => line.startsWith("Configuration file 'nodes/") && line.endsWith(`/${id}.conf' does not exist`),
  );
}

/** Whether the machine lacks the Proxmox program: 127 from its shell, from `timeout` or from us. */
export function isProgramMissing(
  program: string,
  { exitCode }: CommandResult,
  lines: readonly string[],
): boolean {
  return (
    exitCode === 127 &&
    lines.some(
      (line) =>
        line === `${program}: command not found` ||
        line.endsWith(`: ${program}: not found`) ||
        /^timeout: failed to run command/.test(line),
    )
  );
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
