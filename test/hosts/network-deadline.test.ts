/** Deadlines of the real network hold however often memory is cleared meanwhile. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { TransportError } from "../../src/errors.ts";
import { createNetwork } from "../../src/hosts/real-network.ts";
import { failure } from "./recorded.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("a deadline outlives the collection of whatever nobody holds", async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const network = createNetwork();
  const asked = failure(
    network.request({ method: "GET", url: `http://127.0.0.1:${port}/`, effect: "read", timeoutMs: 400 }),
  );
  for (let round = 0; round < 10; round += 1) {
    collect();
    await sleep(20);
  }
  // What no deadline has ended by now is ended here, with other words.
  const late = setTimeout(() => server.closeAllConnections(), 2_000);
  const error = await asked;
  clearTimeout(late);
  server.close();
  expect(error).toBeInstanceOf(TransportError);
  expect((error as Error).message).toContain("no answer within 0.4 s");
});
