/** The commands that the gateway component runs in the gateway guest. */

import { unitCommands } from "../../formats/systemd/index.ts";
import type { Command } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";

/**
 * Tests a candidate beside the running configuration: the guest's own nginx.conf and sites with the files of the parameters in
 * their places, and without the distribution's site. Standard input: the base64 of each file, a line each. The temporary
 * nginx.conf lies in /etc/nginx because relative includes are resolved from the directory of the file that -c names (1.22.1).
 */
const nginxTest: Script = {
  name: "nginx-test",
  body: `umask 077
top=$(mktemp -d) && conf=$(mktemp /etc/nginx/.phoenix-test.XXXXXX) || exit 81
trap 'rm -rf "$top" "$conf"' EXIT
mkdir "$top/sites-enabled" "$top/conf.d" && cp /etc/nginx/nginx.conf "$top/" || exit 82
for file in /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*; do
  case $file in */sites-enabled/gateway | *'/*') continue ;; esac
  [ ! -d "$file" ] || continue
  cp -L "$file" "$top/\${file#/etc/nginx/}" || exit 82
done
case $(readlink /etc/nginx/sites-enabled/default) in
/etc/nginx/sites-available/default | ../sites-available/default) rm "$top/sites-enabled/default" ;;
esac
for file; do
  read -r content || exit 82
  printf %s "$content" | base64 -d >"$top/\${file#/etc/nginx/}" || exit 82
done
grep -q '/etc/nginx/sites-enabled/' "$top/nginx.conf" || { echo 'nginx.conf does not include /etc/nginx/sites-enabled/*' >&2; exit 83; }
sed -e "s#/etc/nginx/sites-enabled/[^;]*;#$top/sites-enabled/*;#" -e "s#/etc/nginx/conf\\.d/#$top/conf.d/#" "$top/nginx.conf" >"$conf" || exit 82
nginx -t -q -c "$conf" 2>&1`,
};

export const commands = {
  ...unitCommands("nginx"),

  link: (target: string, path: string): Command => ({ argv: ["ln", "-sfn", target, path], effect: "change" }),
  /** Everything that Nginx reads, by file; nothing while it refuses what is there. */
  dump: { argv: ["nginx", "-T", "-q"], effect: "read" },
  /** @param files texts by the path that Nginx reads them at */
  test: (files: ReadonlyMap<string, string>): Command => ({
    argv: scriptArgv(nginxTest, ...files.keys()),
    stdin: [...files.values()].map((text) => `${Buffer.from(text).toString("base64")}\n`).join(""),
    effect: "change",
  }),
} as const;
