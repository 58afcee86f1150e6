/** Every command that the firewall runs on the hypervisor, or on a node of its cluster. */
import type { Command } from "../../hosts/host.ts";
import { bootUnit, undoUnit, undoWindowSeconds } from "./undo.ts";

const properties = "--property=Id,LoadState,ActiveState,UnitFileState";

export const commands = {
  /** The daemon and the undo timer, a block of properties for each. */
  showUnits: {
    argv: ["systemctl", "show", "pve-firewall.service", `${undoUnit}.timer`, properties],
    effect: "read",
  },
  /** Compiles the installed files: warnings go to standard error, and the exit code is 0 nevertheless. */
  status: { argv: ["pve-firewall", "status"], effect: "read" },
  start: {
    argv: ["systemctl", "enable", "--now", "pve-firewall.service"],
    effect: "change",
    timeoutMs: 60_000,
  },
  stop: { argv: ["systemctl", "stop", "pve-firewall.service"], effect: "change", timeoutMs: 60_000 },
  disarm: { argv: ["systemctl", "stop", `${undoUnit}.timer`], effect: "change" },
  /** After a restart the undo is a unit that may still wait for its start, or for /etc/pve. */
  disarmAtBoot: { argv: ["systemctl", "stop", bootUnit], effect: "change" },

  /** A systemd timer outlives this process. The script must be in a file: systemd would replace "$1". `--collect` unloads a failed unit, so its name is free. */
  arm: (script: string, directory: string): Command => ({
    argv: [
      "systemd-run",
      "--collect",
      `--unit=${undoUnit}`,
      `--on-active=${undoWindowSeconds}s`,
      "--timer-property=AccuracySec=1s",
      "--property=Restart=on-failure",
      "--property=RestartSec=5s",
      "--",
      "/bin/sh",
      script,
      directory,
    ],
    effect: "change",
  }),
} as const satisfies Record<string, Command | ((script: string, directory: string) => Command)>;
