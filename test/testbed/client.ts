/** What somebody on the site's network sees of it: names, answers over TLS, ports, Portainer's API. Nothing here is Phoenix's own. */
import { expectRun, httpStatus, run } from "./machines.ts";

/** The answers for names, by the name server that the client has. */
export async function addressesOf(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const text = await expectRun("client", ["dig", "+noall", "+answer", "+tries=2", ...names]);
  return new Map(
    text.split("\n").flatMap((line) => {
      const [name = "", , , type, address = ""] = line.split(/\s+/);
      return type === "A" ? [[name.replace(/\.$/, ""), address] as const] : [];
    }),
  );
}

export interface Answer {
  readonly name: string;
  readonly status: number;
  /** curl's word on the chain of certificates: 0 is valid. */
  readonly verified: number;
  readonly address: string;
  /** The beginning of the body, in one line. */
  readonly body: string;
}

/** GET https://NAME/ for each, trusting the site's root and nobody else. */
export async function answersOf(names: readonly string[]): Promise<readonly Answer[]> {
  const script = `while read -r name; do
  curl --silent --max-time 10 --output /tmp/body --write-out "$name %{http_code} %{ssl_verify_result} %{remote_ip} " "https://$name/"
  head -c 2000 /tmp/body | tr '\\n' ' '; echo; : >/tmp/body
done`;
  const text = await expectRun("client", ["sh", "-c", script], names.map((name) => `${name}\n`).join(""));
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [name = "", status, verified, address = "", ...body] = line.split(" ");
      return { name, status: Number(status), verified: Number(verified), address, body: body.join(" ") };
    });
}

/** Those of the ends ("10.0.0.5:80") that take a connection. */
export async function openOf(ends: readonly string[]): Promise<readonly string[]> {
  const script =
    'while IFS=: read -r address port; do (nc -z -w 2 "$address" "$port" && echo "$address:$port") & done; wait';
  const text = await expectRun("client", ["bash", "-c", script], ends.map((end) => `${end}\n`).join(""));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

/** Whether a new connection to a port succeeds within two seconds. */
export async function reaches(address: string, port: number): Promise<boolean> {
  return (await run("client", ["nc", "-z", "-w", "2", address, `${port}`])).exitCode === 0;
}

/** The status that the gateway gives a name that the name server does not know; 0 when it hangs up. */
export async function statusOfUnknown(name: string, gateway: string): Promise<number> {
  return httpStatus("client", `https://${name}/`, "--insecure", "--resolve", `${name}:443:${gateway}`);
}

export type PortainerApi = (method: string, path: string, body?: unknown) => Promise<unknown>;

/** Portainer's API through the gateway, as its user interface speaks to it. */
export async function portainerApi(hostname: string, user: string, password: string): Promise<PortainerApi> {
  const ask = async (method: string, path: string, body: unknown, ...headers: readonly string[]) => {
    const options = ["--silent", "--show-error", "--fail-with-body", "--max-time", "30", "--request", method];
    const all = ["content-type: application/json", ...headers].flatMap((each) => ["--header", each]);
    const data = body === undefined ? [] : ["--data", "@-"];
    const argv = ["curl", ...options, ...all, ...data, `https://${hostname}/api${path}`];
    const text = await expectRun("client", argv, body === undefined ? "" : JSON.stringify(body));
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  };
  const { jwt } = (await ask("POST", "/auth", { Username: user, Password: password })) as { jwt: string };
  return (method, path, body) => ask(method, path, body, `authorization: Bearer ${jwt}`);
}
