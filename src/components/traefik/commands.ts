/** The commands that the mesh component runs in the mesh guest. */
import { unitCommands } from "../../formats/systemd/index.ts";
import type { Command } from "../../hosts/host.ts";

export const commands = {
  /** `reload` works where the unit has an ExecReload; Traefik's own has none. */
  ...unitCommands("traefik"),
  /** SIGHUP: the file provider reads its directory again (since 3.0.0). Kills a process whose provider never started. */
  hangUp: {
    argv: ["systemctl", "kill", "--kill-whom=main", "--signal=HUP", "traefik.service"],
    effect: "change",
  },
} as const satisfies Record<string, Command>;
