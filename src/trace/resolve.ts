/** How a machine resolves a name by itself: which resolvers it asks, and what it gets. */
import type { Host } from "../hosts/host.ts";
import { type Script, scriptArgv } from "../hosts/script.ts";

/**
 * Parameter: a name. Prints `resolver ADDRESS` for each in /etc/resolv.conf, then `answer ADDRESS` for each IPv4 address that the C library
 * finds, in its own order (hosts file, then DNS); `none` when it finds none, `silent` when that takes 2 s, `unknown` without getent.
 */
export const resolveScript: Script = {
  name: "resolve",
  body: `while read -r word address rest; do
  [ "$word" != nameserver ] || echo "resolver $address"
done </etc/resolv.conf 2>/dev/null
command -v getent >/dev/null 2>&1 || { echo unknown; exit 0; }
found=$(timeout 2 getent ahostsv4 "$1")
case $? in
0) echo "$found" | awk '!seen[$1]++ { print "answer " $1 }' ;;
124 | 143) echo silent ;;
*) echo none ;;
esac`,
};

export interface Resolution {
  readonly resolvers: readonly string[];
  readonly answers: readonly string[];
  /** Why there is no answer. */
  readonly without?: "none" | "silent" | "unknown";
}

/** @throws TransportError @throws CommandError where the machine has no shell */
export async function resolve(host: Host, name: string): Promise<Resolution> {
  const argv = scriptArgv(resolveScript, name);
  const lines = (await host.expect({ argv, effect: "read", timeoutMs: 3_500 })).split("\n");
  const after = (word: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const without = (["none", "silent", "unknown"] as const).find((word) => lines.includes(word));
  const found = { resolvers: after("resolver"), answers: after("answer") };
  return without === undefined ? found : { ...found, without };
}
