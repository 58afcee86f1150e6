/** The commands that put something right: as a person copies them, and as `--fix` runs them. */
import { quoted } from "../formats/shell/quote.ts";
import type { Host } from "../hosts/host.ts";
import type { HostName } from "../resource.ts";
import type { Diagnosis } from "./diagnose.ts";
import type { Fix } from "./prerequisite.ts";

/** Longest time that a fix may take, in milliseconds and in the words of `qm guest exec`. */
const longestMs = 300_000;

/** The line for the hypervisor's shell; undefined where no command puts it right. */
export function fixLine({ fix, machine }: Pick<Diagnosis, "fix" | "machine">): string | undefined {
  if (fix === undefined) return undefined;
  const host = fix.on ?? machine;
  if (host === "pve") return shellLine(fix.argv);
  const id = host.slice(host.indexOf("/") + 1);
  const words = fix.argv.map(quoted).join(" ");
  if (host.startsWith("lxc/")) return `pct exec ${id} -- ${words}`;
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

/** Runs a safe fix. @throws CommandError with the command's words; TransportError */
export async function runFix(
  host: (name: HostName) => Host,
  { argv, on }: Fix,
  machine: HostName,
): Promise<void> {
  await host(on ?? machine).expect({ argv, effect: "change", timeoutMs: longestMs });
}
