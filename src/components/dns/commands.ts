/** Every command that DNS runs on the hypervisor. */
import type { Command } from "../../hosts/host.ts";

export const commands = {
  showUnit: {
    argv: ["systemctl", "show", "dnsmasq.service", "--property=LoadState,ActiveState,UnitFileState"],
    effect: "read",
  },
  install: {
    argv: [
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "install",
      "--yes",
      "--no-install-recommends",
      "dnsmasq",
    ],
    effect: "change",
    timeoutMs: 300_000,
  },
  start: { argv: ["systemctl", "enable", "--now", "dnsmasq.service"], effect: "change" },
  restart: { argv: ["systemctl", "restart", "dnsmasq.service"], effect: "change", timeoutMs: 60_000 },

  /** dnsmasq's own checker, on a configuration given by standard input. */
  test: (configuration: string): Command => ({
    argv: ["dnsmasq", "--test", "--conf-file=-"],
    stdin: configuration,
    effect: "read",
  }),
} as const satisfies Record<string, Command | ((configuration: string) => Command)>;
