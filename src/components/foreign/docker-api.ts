/** Docker's own API on a virtual machine, over its socket: what its command line cannot be asked without a secret in its arguments. */
import { ApiError, NotReadyError } from "../../errors.ts";
import { parseJson, textOf } from "../../formats/json/index.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Host } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";

/**
 * Asks Docker's API, $1 the method, $2 the path, standard input the JSON body; prints the status on the first line, then the body.
 * Without curl the connection is that of `docker system dial-stdio`, which must not see the end of its input before the answer.
 */
const dockerApi: Script = {
  name: "docker-api",
  body: `LC_ALL=C; export LC_ALL
cr=$(printf '\\r')
answer() { sed -e "1s/^HTTP\\/[0-9.]* \\([0-9]*\\).*/\\1/" -e "2,/^$cr\\$/d"; }
if command -v curl >/dev/null 2>&1; then
  curl -sS -i --http1.0 --unix-socket /var/run/docker.sock -X "$1" -H 'Content-Type: application/json' \\
    -H 'Expect:' --data-binary @- "http://localhost$2" | answer
  exit
fi
body=$(cat)
dir=$(mktemp -d) && mkfifo "$dir/in" && exec 3<>"$dir/in" || exit 1
rm -r "$dir"
printf '%s %s HTTP/1.0\\r\\nHost: docker\\r\\nContent-Type: application/json\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' \\
  "$1" "$2" "\${#body}" "$body" >&3 &
docker system dial-stdio <&3 | answer`,
};

/** Joining waits for 20 s before it gives up (26). Milliseconds. */
const answerMs = 60_000;

/**
 * What Docker answers, parsed; "" where it says nothing. Bodies and answers may hold secrets: they are in no command line and no error.
 * @throws NotReadyError when Docker does not answer, ApiError with Docker's words when it refuses, TransportError
 */
export async function askDocker(
  host: Host,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { stdout, stderr } = await host.run({
    argv: scriptArgv(dockerApi, method, path),
    stdin: body === undefined ? "" : JSON.stringify(body),
    effect: method === "GET" ? "read" : "change",
    timeoutMs: answerMs,
  });
  const end = stdout.indexOf("\n");
  const [first, text] = end < 0 ? [stdout, ""] : [stdout.slice(0, end), stdout.slice(end + 1)];
  if (!/^\d{3}\r?$/.test(first)) {
    const hint = "install Docker in the guest, or start it: `systemctl enable --now docker`";
    const reason = lastLines(stderr) || "it gives no answer";
    throw new NotReadyError(`Docker does not answer on ${host.name}: ${reason}`, { hint });
  }
  const answer = parseJson(text) ?? "";
  const status = Number.parseInt(first, 10);
  if (status < 400) return answer;
  const message = textOf(answer, "message") || `status ${status}`;
  throw new ApiError(status, `Docker on ${host.name} refuses ${method} ${path.split("?")[0]}: ${message}`);
}

/** The query of a list that Docker filters: "?filters=…". */
export function filtered(filters: Readonly<Record<string, readonly string[]>>): string {
  return `?filters=${encodeURIComponent(JSON.stringify(filters))}`;
}
