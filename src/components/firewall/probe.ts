/**
 * New connections from inside a guest, which come in over the bridge as others do, and from one node to another. The hypervisor's connections to its own
 * address go over the loopback interface, which Proxmox's firewall does not filter.
 */
import type { Io } from "../../component.ts";
import { CommandError, NotReadyError, TransportError } from "../../errors.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";
import type { HostName } from "../../resource.ts";

/**
 * Parameters: ends as ADDRESS:PORT. Prints one line for each: `answers` (open, or refused by the machine itself), `silent`
 * after 3 s, `unknown` where the guest has no program to connect with. bash opens sockets itself; busybox has nc.
 */
export const probeScript: Script = {
  name: "tcp-probe",
  body: `for end; do
  if command -v bash >/dev/null 2>&1; then
    timeout 3 bash -c ': </dev/tcp/"$1"/"$2"' bash "\${end%:*}" "\${end##*:}" >/dev/null 2>&1
  elif command -v nc >/dev/null 2>&1; then
    timeout 3 nc -z "\${end%:*}" "\${end##*:}" </dev/null >/dev/null 2>&1
  else
    echo unknown
    continue
  fi
  case $? in
  124 | 143) echo silent ;;
  *) echo answers ;;
  esac
done`,
};

export type ProbeAnswer = "answers" | "silent" | "unknown";

/** Milliseconds for a whole probe: 3 s for each of a few ends, and a second or two for a virtual machine's agent. */
const probeMs = 20_000;

/** Connects from inside a guest, or from another node. @returns undefined when it cannot be used: missing, not running, or without a shell */
export async function probeFrom(
  io: Io,
  sender: HostName,
  ends: readonly string[],
): Promise<readonly ProbeAnswer[] | undefined> {
  try {
    const argv = scriptArgv(probeScript, ...ends);
    const { exitCode, stdout } = await io.host(sender).run({ argv, effect: "read", timeoutMs: probeMs });
    if (exitCode !== 0) return undefined;
    const lines = stdout.split("\n");
    return ends.map((_, at) => (lines[at] === "answers" || lines[at] === "silent" ? lines[at] : "unknown"));
  } catch (error) {
    const cannotAsk = [TransportError, CommandError, NotReadyError].some((kind) => error instanceof kind);
    if (cannotAsk) return undefined;
    throw error;
  }
}
