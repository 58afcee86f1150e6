/** Time counts only while this process could have seen an answer. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { deadline } from "../../src/hosts/deadline.ts";
import { createNetwork } from "../../src/hosts/real-network.ts";

function busy(ms: number): void {
  const until = Date.now() + ms;
  while (Date.now() < until);
}

test("a process that was too busy to look does not call a server silent", async () => {
  const server = createServer((_, response) => {
    response.end("here");
    // The answer is on its way, and nobody can take it for longer than it may take.
    busy(1_000);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const network = createNetwork();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { text } = await network.request({ method: "GET", url, effect: "read", timeoutMs: 500 });
  expect(text).toBe("here");
  await network.close();
  server.close();
});

test("it is late when the time is up, and never after it was answered", async () => {
  const started = performance.now();
  await new Promise<void>((resolve) => deadline(250, resolve));
  const took = performance.now() - started;
  expect(took).toBeGreaterThanOrEqual(245);
  let calls = 0;
  deadline(20, () => {
    calls += 1;
  })();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(calls).toBe(0);
});
