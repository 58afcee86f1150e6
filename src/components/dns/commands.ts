/** The commands that DNS runs on the hypervisor. */

import { installPackage } from "../../formats/debian/index.ts";
import { unitCommands } from "../../formats/systemd/index.ts";
import type { Command } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";

/**
 * dnsmasq's own checker on everything that it will load: its main file, and Debian's directory with the candidate (standard
 * input) instead of the files that the parameters name. Foreign files count because many options may occur only once.
 */
const dnsmasqTest: Script = {
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
  ...unitCommands("dnsmasq"),
  /** The process that the unit runs. */
  mainPid: { argv: ["systemctl", "show", "dnsmasq.service", "--property=MainPID"], effect: "read" },
  /** Those of the paths that are files, and the files of those that are directories; not what lies further down (SDN's zones). */
  files: (paths: readonly string[]): Command => ({
    argv: ["find", "-L", ...paths, "-maxdepth", "1", "-type", "f"],
    effect: "read",
  }),

  install: installPackage("dnsmasq"),

  /** @param replaced names of the files that the candidate replaces */
  test: (candidate: string, replaced: readonly string[]): Command => ({
    argv: scriptArgv(dnsmasqTest, ...replaced),
    stdin: candidate,
    effect: "change",
  }),
} as const;
