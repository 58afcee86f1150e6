/** Whether those who use a key can read it: asked of the guest itself. */
import { type Check, failed, type Io, passed } from "../../component.ts";
import { NotReadyError, TransportError } from "../../errors.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";
import type { Certificate } from "../../model.ts";
import { idOf } from "./compile.ts";
import { consumerOf } from "./consumer.ts";

/**
 * Parameters: a unit without ".service", a path. Prints the user that the unit's main process runs as, and "yes" or "no": whether
 * it can read the file with its groups. Prints nothing when the unit does not run, or setpriv (util-linux) is missing.
 */
const readableBy: Script = {
  name: "readable-by",
  body: `pid=$(systemctl show --property=MainPID --value "$1.service") || exit 0
[ "\${pid:-0}" -gt 0 ] || exit 0
field() { awk -v name="$1:" '$1 == name { print $3 }' "/proc/$pid/status"; }
uid=$(field Uid) gid=$(field Gid)
groups=$(awk '$1 == "Groups:" { $1 = ""; gsub(/^ +| +$/, ""); gsub(/ +/, ","); print }' "/proc/$pid/status")
[ -n "$uid" ] && [ -n "$gid" ] || exit 0
if [ "$uid" = 0 ]; then
  [ -r "$2" ]
else
  command -v setpriv >/dev/null || exit 0
  if [ -n "$groups" ]; then groups=--groups=$groups; else groups=--clear-groups; fi
  setpriv --reuid="$uid" --regid="$gid" "$groups" test -r "$2"
fi && answer=yes || answer=no
echo "$(id -nu "$uid" 2>/dev/null || echo "$uid") $answer"`,
};

/** No check where nobody is known to read the key, or the guest cannot tell. */
export async function checkReadable(io: Io, certificate: Certificate): Promise<readonly Check[]> {
  const consumer = consumerOf(io.site, certificate);
  if (consumer?.unit === undefined) return [];
  const { guest, keyPath, unit } = consumer;
  const [user, answer] = (await ask(io, guest.host, [unit, keyPath])).trim().split(" ");
  if (user === undefined || answer === undefined) return [];
  const claim = `${unit} in ${guest.host} can read the key of "${certificate.commonName}"`;
  if (answer === "yes") return [passed(idOf(certificate), claim)];
  const observed = `it runs as ${user}, which may not read ${keyPath}`;
  const hint = `make "owner" in the certificate's manifest entry a user or group of ${user} in the guest, such as "root:${user}"`;
  return [failed(idOf(certificate), claim, observed, hint)];
}

async function ask(io: Io, host: Parameters<Io["host"]>[0], parameters: readonly string[]): Promise<string> {
  try {
    const argv = scriptArgv(readableBy, ...parameters);
    const { exitCode, stdout } = await io.host(host).run({ argv, effect: "read" });
    return exitCode === 0 ? stdout : "";
  } catch (error) {
    if (error instanceof TransportError || error instanceof NotReadyError) return "";
    throw error;
  }
}
