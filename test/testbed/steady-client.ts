/** Somebody who asks a name again and again, over a new connection each time, and counts what gets no good answer. */
import { expectRun, run } from "./machines.ts";

export interface Steady {
  readonly sent: number;
  /** "status 502", "ECONNRESET": one for each request that was lost. */
  readonly lost: readonly string[];
  readonly slowestMs: number;
}

const pauseMs = 40;

const script = `const { existsSync, readFileSync } = require("node:fs");
const https = require("node:https");
const [name, stop, pauseMs] = process.argv.slice(1);
const ca = readFileSync("/etc/ssl/certs/ca-certificates.crt");
const [lost, open] = [[], new Set()];
let [sent, slowestMs] = [0, 0];
const ask = () => new Promise((resolve) => {
  const [number, started] = [++sent, Date.now()];
  const end = (why) => {
    slowestMs = Math.max(slowestMs, Date.now() - started);
    if (why !== undefined) lost.push(new Date(started).toISOString().slice(14, 23) + " request " + number + ": " + why);
    resolve();
  };
  https.get({ hostname: name, ca, agent: false, timeout: 15_000 }, (response) => {
    response.resume().on("end", () => end(response.statusCode === 200 ? undefined : "status " + response.statusCode)).on("error", ({ code }) => end(code));
  }).on("error", (error) => end(error.code ?? error.message)).on("timeout", function () { this.destroy(new Error("timeout")); });
});
const timer = setInterval(() => {
  if (existsSync(stop)) {
    clearInterval(timer);
    Promise.all(open).then(() => console.log(JSON.stringify({ sent, lost, slowestMs })));
    return;
  }
  const asked = ask();
  open.add(asked);
  asked.then(() => open.delete(asked));
}, Number(pauseMs));
`;

/** Asks for https://NAME/ as long as the work goes on. */
export async function asking<T>(
  name: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly seen: Steady }> {
  const stop = "/tmp/steady-client-stops";
  await run("client", ["rm", "--force", stop]);
  const told = expectRun("client", ["node", "--eval", script, name, stop, String(pauseMs)]);
  // Whatever becomes of the work, the client ends.
  const [ended] = await Promise.allSettled([work()]);
  await run("client", ["touch", stop]);
  const seen = JSON.parse(await told) as Steady;
  if (ended.status === "rejected") throw ended.reason;
  return { result: ended.value, seen };
}
