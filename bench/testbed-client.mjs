// Runs on the testbed's client: asks the gateway again and again, over four connections that stay open and over new ones
// (at most eight at a time), until its standard input ends or 30 s have passed. Prints one line of JSON: what was asked,
// answered and lost. Arguments: the gateway's address, then names.
import https from "node:https";

const [address, ...names] = process.argv.slice(2);
const deadline = Date.now() + 30_000;
let ended = false;
process.stdin.on("end", () => { ended = true; }).resume();
const kinds = { kept: new Tally(), fresh: new Tally() };

function Tally() {
  Object.assign(this, { asked: 0, answered: 0, askedAgain: 0, lost: 0, why: {}, slowestMs: 0 });
}

/** @returns the failure, if so; `reused` when a kept connection was closed before anything of an answer came */
function ask(name, agent) {
  return new Promise((resolve) => {
    const request = https.request(
      { host: address, port: 443, servername: name, headers: { host: name }, agent, rejectUnauthorized: false, timeout: 10_000 },
      (response) => {
        response.resume();
        response.on("error", (error) => resolve({ why: error.code ?? error.message, reused: false }));
        response.on("end", () => resolve(response.statusCode >= 500 || response.statusCode === 404 ? { why: `status ${response.statusCode}`, reused: false } : undefined));
      },
    );
    request.on("timeout", () => request.destroy(Object.assign(new Error(), { code: "no answer in 10 s" })));
    request.on("error", (error) => resolve({ why: error.code ?? error.message, reused: request.reusedSocket }));
    request.end();
  });
}

async function keepAsking(kind, agent, at) {
  const tally = kinds[kind];
  for (let n = at; !ended && Date.now() < deadline; n++) {
    const started = Date.now();
    tally.asked++;
    let failure = await ask(names[n % names.length], agent);
    // Any HTTP client does this: a server may close an idle connection at any time (RFC 9110, 9.2.2).
    if (failure?.reused) {
      tally.askedAgain++;
      failure = await ask(names[n % names.length], agent);
    }
    if (failure === undefined) tally.answered++;
    else {
      tally.lost++;
      tally.why[failure.why] = (tally.why[failure.why] ?? 0) + 1;
    }
    tally.slowestMs = Math.max(tally.slowestMs, Date.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const workers = [];
for (let at = 0; at < 4; at++) {
  const kept = new https.Agent({ keepAlive: true, maxSockets: 1 });
  workers.push(keepAsking("kept", kept, at), keepAsking("fresh", new https.Agent({ keepAlive: false }), at));
}
await Promise.all(workers);
console.log(JSON.stringify(kinds));
process.exit(0);
