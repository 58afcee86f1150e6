/** `phoenix dashboard`: a page to look at. */
import type { ExitCode } from "../errors.ts";
import { UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";

export const dashboardCommand: CommandDefinition = {
  name: "dashboard",
  summary: "show the fabric, its proofs and its history on a page",
  description: [
    "Serves a page for browsers on this machine, until Ctrl-C: each name's way to its container with the last proof of each",
    "hop, the pending plan, certificates, runs, and a sync as it goes. It changes nothing. The address that it prints holds",
    "a token; without it nobody gets anything. Elsewhere than on loopback it needs a certificate of the site's CA.",
  ],
  options: [
    {
      flags: `${option.listen} <address:port>`,
      description: "listen here (default: 127.0.0.1:8417, or any free port)",
    },
    {
      flags: `${option.html} <file>`,
      description: "write the page to this file instead",
      completes: "files",
    },
    {
      flags: `${option.every} <seconds>`,
      description: "look again after this time while a page is open (default: 300)",
    },
  ],
  uses: ["output", "parallel", "timeout"],
  examples: [
    ["phoenix dashboard", "serve the page on this machine"],
    ["phoenix dashboard --host root@pve", "the same from a laptop"],
    [
      "phoenix dashboard --listen 10.0.0.13:8417",
      "serve it on a network, with a certificate of the site's CA",
    ],
    ["phoenix dashboard --html fabric.html", "one file that needs no server"],
    ["phoenix dashboard --output json", "what the page shows, as JSON"],
  ],
  exits: [
    ["converged", "the page was written, or the server was ended by Ctrl-C"],
    ["error", "the site has errors, or the server cannot listen"],
    ["refused", "no TLS for an address that is not loopback"],
    "usage",
    "interrupted",
  ],
  run: runDashboard,
};

async function runDashboard(call: Call): Promise<ExitCode> {
  const { own, options } = call;
  const [html, listen, every] = [own.html, own.listen, own.every];
  if (html !== undefined && listen !== undefined)
    throw new UsageError(`${option.html} and ${option.listen} exclude each other`, {
      hint: "give one of them",
    });
  if (typeof html === "string" || options.output !== "text") {
    const { printPage } = await import("./dashboard-file.ts");
    return printPage(call, typeof html === "string" ? html : undefined);
  }
  const { servePage } = await import("./dashboard-serve.ts");
  return servePage(call, {
    ...(typeof listen === "string" ? { listen } : {}),
    everyMs: secondsIn(every) * 1000,
  });
}

const [defaultSeconds, leastSeconds] = [300, 10];

function secondsIn(value: unknown): number {
  if (value === undefined) return defaultSeconds;
  const seconds = Number(value);
  if (Number.isSafeInteger(seconds * 1000) && seconds >= leastSeconds) return seconds;
  throw new UsageError(
    `${option.every} must be an integer, at least ${leastSeconds}; got "${String(value)}"`,
  );
}
