/**
 * The program of every other image: an HTTP server that says who it is and what it was asked, on the ports where the real
 * image would listen. PHOENIX_TESTBED_SERVICE is its name, PHOENIX_TESTBED_PORTS is "8080 8443/tls", PHOENIX_TESTBED_EXITS
 * makes it end at once, as a program does that cannot read its configuration.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { hostname } from "node:os";
import { selfSigned } from "../../lab/self-signed.ts";
import { say, untilTold } from "./process.ts";

const { PHOENIX_TESTBED_SERVICE: service = hostname(), PHOENIX_TESTBED_PORTS: ports = "" } = process.env;

if (process.env.PHOENIX_TESTBED_EXITS !== undefined) {
  say("fatal: the process ends at once");
  process.exit(1);
}

function answer(port: number, tls: boolean): (request: IncomingMessage, response: ServerResponse) => void {
  return ({ method, url, headers, socket }, response) => {
    const body = { service, host: hostname(), port, tls, method, url, headers, from: socket.remoteAddress };
    response.writeHead(200, { "content-type": "application/json", "x-served-by": service });
    response.end(`${JSON.stringify(body, null, 1)}\n`);
  };
}

untilTold();
for (const entry of ports.split(" ").filter((each) => each !== "")) {
  const [number, tls] = [Number.parseInt(entry, 10), entry.endsWith("/tls")];
  const server = tls
    ? createSecureServer(await selfSigned([hostname(), "localhost"]), answer(number, tls))
    : createServer(answer(number, tls));
  // On the machine's own network another service may have the port already.
  server.on("error", ({ message }) => say(`error: ${message}`));
  server.listen(number, () => say(`${service} listens on ${entry}`));
}
if (ports === "") setInterval(() => {}, 60_000);
