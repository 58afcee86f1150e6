/** The commands that put something right: as a person copies them, and as `--fix` runs them. */
import { quoted } from "../formats/shell/quote.ts";
import type { Host } from "../hosts/host.ts";
import { type GuestName, isGuestName } from "../resource.ts";
import type { Diagnosis } from "./diagnose.ts";
import type { Fix } from "./prerequisite.ts";

/** Longest time that a fix may take, in milliseconds and in the words of `qm guest exec`. */
const longestMs = 300_000;

/**
 * The line for the hypervisor's shell; undefined where no command puts it right.
 * @param repeat the options that another command line of Phoenix must repeat: " --lab /tmp/lab"
 */
export function fixLine(
  { fix, machine, node }: Pick<Diagnosis, "fix" | "machine" | "node">,
  repeat: string,
): string | undefined {
  if (fix === undefined) return undefined;
  const { on, argv } = fix;
  if (on === "here") return `${shellLine(argv)}${repeat}`;
  const line = on === "node" || !isGuestName(machine) ? shellLine(argv) : entering(machine, argv);
  return node === undefined || on === "entry" ? line : `ssh root@${node} ${quoted(line)}`;
}

/** The line for the shell of the guest's node. */
function entering(guest: GuestName, argv: readonly string[]): string {
  const id = guest.slice(guest.indexOf("/") + 1);
  const words = argv.map(quoted).join(" ");
  if (guest.startsWith("lxc/")) return `pct exec ${id} -- ${words}`;
  const limit = ["--timeout", String(longestMs / 1000)].join(" ");
  return `qm guest exec ${id} ${limit} -- ${words}`;
}

/** The hypervisor's own shell needs no second one. */
function shellLine([shell, flag, text, ...more]: readonly string[]): string {
  if (shell === "sh" && flag === "-c" && text !== undefined && more.length === 0) return text;
  return [shell ?? "", flag, text, ...more]
    .filter((word) => word !== undefined)
    .map(quoted)
    .join(" ");
}

/** Runs a safe fix, which is one of the machine's own. @throws CommandError with the command's words; TransportError */
export async function runFix(host: Host, { argv }: Pick<Fix, "argv">): Promise<void> {
  await host.expect({ argv, effect: "change", timeoutMs: longestMs });
}
