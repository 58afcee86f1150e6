// Stands for what a guest runs by itself: answers every request with the service's name and what it was asked, as JSON; /events is
// a stream of server-sent events, /upload counts what it is sent, and a websocket gives back what it gets.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const services = JSON.parse(readFileSync("/etc/testbed/services.json", "utf8"));
for (const { name, port, scheme } of services) {
  const tell = (response, what) => {
    response.setHeader("content-type", "application/json");
    response.end(`${JSON.stringify({ service: name, ...what })}\n`);
  };
  const answer = (request, response) => {
    const { method, url, headers } = request;
    const { pathname, searchParams } = new URL(url, "http://service");
    if (pathname === "/events") return events(response, Number(searchParams.get("seconds")));
    if (pathname === "/upload") return count(request, (counted) => tell(response, counted));
    tell(response, { method, url, headers });
  };
  const pair = () => ({
    cert: readFileSync(`/etc/testbed/tls/${port}.crt`),
    key: readFileSync(`/etc/testbed/tls/${port}.key`),
  });
  const server = scheme === "https" ? https.createServer(pair(), answer) : http.createServer(answer);
  server.on("upgrade", echo);
  server.listen(port);
}

/** One event a second. */
function events(response, seconds) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`data: ${++sent}\n\n`);
    if (sent >= seconds) response.end();
  }, 1_000);
  response.on("close", () => clearInterval(timer));
}

function count(request, then) {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (data) => {
    hash.update(data);
    bytes += data.length;
  });
  request.on("end", () => then({ bytes, sha256: hash.digest("hex") }));
}

/** Text frames of less than 126 bytes (RFC 6455). */
function echo(request, socket) {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => socket.destroy());
  socket.on("data", (frame) => {
    const length = frame[1] & 0x7f;
    const mask = frame.subarray(2, 6);
    const text = frame.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]);
    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
  });
}
