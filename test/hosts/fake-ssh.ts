/**
 * A program called `ssh` that runs the command on this machine instead: what ssh does with its arguments (one line for
 * the other side's shell, standard input, exit code) is real, the network is not.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface FakeSsh {
  /** To be put first in PATH. */
  readonly directory: string;
  /** From now on every call fails as ssh itself fails: with this on standard error, and 255. */
  fail(message: string): void;
  /** The arguments of every call so far. */
  calls(): readonly string[];
  remove(): void;
}

const program = `#!/bin/sh
here=\${0%/*}
printf '%s\\n' "$(printf '%s' "$*" | tr '\\n' ' ')" >>"$here/calls"
if [ -s "$here/fail" ]; then cat "$here/fail" >&2; exit 255; fi
forward=
for argument; do
  [ "$forward" != next ] || forward=$argument
  [ "$argument" != -L ] || forward=next
  last=$argument
done
case " $* " in *' -O exit '*)
  [ ! -e "$here/forwards" ] || kill $(cat "$here/forwards")
  exit 0 ;;
esac
if [ -n "$forward" ]; then
  node -e 'const net = require("net");
    const [path, host, port] = process.argv[1].split(":");
    net.createServer({ allowHalfOpen: true }, (near) => {
      const far = net.connect({ port, host, allowHalfOpen: true }, () => { near.pipe(far); far.pipe(near); });
      far.on("error", () => near.destroy());
      near.on("error", () => far.destroy());
    }).listen(path);' "$forward" </dev/null >/dev/null 2>&1 &
  echo "$!" >>"$here/forwards"
  while [ ! -S "\${forward%%:*}" ]; do sleep 0.05; done
  exit 0
fi
exec sh -c "$last"
`;

export function fakeSsh(): FakeSsh {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-ssh-"));
  const path = join(directory, "ssh");
  writeFileSync(path, program);
  chmodSync(path, 0o755);
  return {
    directory,
    fail: (message) => writeFileSync(join(directory, "fail"), message),
    calls: () => readFileSync(join(directory, "calls"), "utf8").trim().split("\n"),
    remove: () => rmSync(directory, { recursive: true }),
  };
}
