/** Every command that DNS runs on the hypervisor. */
import type { Command } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";

/**
 * dnsmasq's own checker on all that it will load: its main file, and Debian's directory with the candidate (standard
 * input) in place of the files that the parameters name. An option may stand once only, whoever wrote it.
 */
export const dnsmasqTest: Script = {
  name: "dnsmasq-test",
  body: `directory=$(mktemp -d) || exit 81
trap 'rm -rf "$directory"' EXIT
for file in /etc/dnsmasq.d/*; do
  [ -f "$file" ] && cp -L "$file" "$directory/" || continue
done
for name; do rm -f "$directory/$name"; done
cat >"$directory/phoenix-candidate.conf" || exit 82
main=/etc/dnsmasq.conf
[ -e "$main" ] || main=/dev/null
dnsmasq --test --conf-file="$main" --conf-dir="$directory,.dpkg-dist,.dpkg-old,.dpkg-new"`,
};

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

  /** @param replaced names of the files that the candidate takes the place of */
  test: (candidate: string, replaced: readonly string[]): Command => ({
    argv: scriptArgv(dnsmasqTest, ...replaced),
    stdin: candidate,
    effect: "change",
  }),
} as const satisfies Record<string, Command | ((candidate: string, replaced: readonly string[]) => Command)>;
