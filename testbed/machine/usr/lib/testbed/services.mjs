// Stands for what a guest runs by itself: answers every request with the service's name and what it was asked, as JSON.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const services = JSON.parse(readFileSync("/etc/testbed/services.json", "utf8"));
for (const { name, port, scheme } of services) {
  const answer = (request, response) => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(`${JSON.stringify({ service: name, method, url, headers })}\n`);
  };
  const pair = () => ({
    cert: readFileSync(`/etc/testbed/tls/${port}.crt`),
    key: readFileSync(`/etc/testbed/tls/${port}.key`),
  });
  const server = scheme === "https" ? https.createServer(pair(), answer) : http.createServer(answer);
  server.listen(port);
}
