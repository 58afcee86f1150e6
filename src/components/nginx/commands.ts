/** The commands that the gateway component runs in the gateway guest. */

import { unitCommands } from "../../formats/systemd/index.ts";
import type { Command } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";

/**
 * Tests a candidate beside the running configuration: the guest's own nginx.conf with its sites replaced by the other
 * enabled sites and the candidate (standard input). The temporary nginx.conf lies in /etc/nginx because relative
 * includes are resolved from the directory of the file that -c names (1.22.1).
 */
const nginxTest: Script = {
  name: "nginx-test",
  body: `umask 077
sites=$(mktemp -d) && conf=$(mktemp /etc/nginx/.phoenix-test.XXXXXX) || exit 81
trap 'rm -rf "$sites" "$conf"' EXIT
for site in /etc/nginx/sites-enabled/*; do
  case \${site##*/} in gateway | default | '*') ;; *) cp -L "$site" "$sites/" || exit 82 ;; esac
done
cat >"$sites/gateway" || exit 82
grep -q '/etc/nginx/sites-enabled/' /etc/nginx/nginx.conf || { echo 'nginx.conf does not include /etc/nginx/sites-enabled/*' >&2; exit 83; }
sed "s#/etc/nginx/sites-enabled/[^;]*;#$sites/*;#" /etc/nginx/nginx.conf >"$conf" || exit 82
nginx -t -q -c "$conf" 2>&1`,
};

export const commands = {
  ...unitCommands("nginx"),

  link: (target: string, path: string): Command => ({ argv: ["ln", "-sfn", target, path], effect: "change" }),
  test: (candidate: string): Command => ({ argv: scriptArgv(nginxTest), stdin: candidate, effect: "change" }),
} as const;
