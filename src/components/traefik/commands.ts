/** Every command that the mesh component runs in the mesh guest. */
import type { Command } from "../../hosts/host.ts";

export const commands = {
  showUnit: {
    argv: ["systemctl", "show", "traefik.service", "--property=LoadState,ActiveState,UnitFileState"],
    effect: "read",
  },
  start: { argv: ["systemctl", "enable", "--now", "traefik.service"], effect: "change", timeoutMs: 60_000 },
  /** Where the unit has an ExecReload; Traefik's own has none. */
  reload: { argv: ["systemctl", "reload", "traefik.service"], effect: "change" },
  /** SIGHUP: the file provider reads its directory again (since 3.0.0). Ends a process whose provider never started. */
  hangUp: {
    argv: ["systemctl", "kill", "--kill-whom=main", "--signal=HUP", "traefik.service"],
    effect: "change",
  },
  restart: { argv: ["systemctl", "restart", "traefik.service"], effect: "change", timeoutMs: 60_000 },
} as const satisfies Record<string, Command>;
