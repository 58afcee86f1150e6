/** The commands that keepalived needs in the gateways. */
import { installPackage } from "../../formats/debian/index.ts";
import { unitCommands } from "../../formats/systemd/index.ts";
import type { Command } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";

/** keepalived's own checker on the candidate (standard input). It also finds an interface that is not there. */
const keepalivedTest: Script = {
  name: "keepalived-test",
  body: `umask 077
candidate=$(mktemp) || exit 81
trap 'rm -f "$candidate"' EXIT
cat >"$candidate" || exit 82
keepalived --config-test --use-file="$candidate"`,
};

export const commands = {
  ...unitCommands("keepalived"),
  install: installPackage("keepalived"),
  test: (candidate: string): Command => ({
    argv: scriptArgv(keepalivedTest),
    stdin: candidate,
    effect: "change",
  }),
  /** Every IPv4 address of the machine, a line each. */
  addresses: { argv: ["ip", "-o", "-4", "addr", "show"], effect: "read" },
} as const satisfies Record<string, Command | ((candidate: string) => Command)>;
