/** `phoenix trace`: a name live, hop by hop. */
import { defined } from "../defined.ts";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { HostName } from "../resource.ts";
import type { TracedWay } from "../trace/finding.ts";
import type { Call, CommandDefinition } from "./command.ts";
import type { Session } from "./session.ts";

export const traceCommand: CommandDefinition = {
  name: "trace",
  arguments: "<name>",
  summary: "follow a name live, hop by hop, and show the one that breaks",
  description: [
    "Looks at each hop of a request: DNS, the gateway's port and the firewall's rule that decides about it, the",
    "certificate, Nginx, Traefik's router and service, the guest's port, the container. The first broken hop is named",
    "with its cause, the line of the site that declares it, and what to do. <name> is a host name, a URL, a stack, a",
    `guest or "pve". Nothing is changed.`,
  ],
  options: [
    {
      flags: `${option.from} <guest>`,
      description: "look at names and ports from this guest as well",
      repeatable: true,
    },
  ],
  uses: ["output", "jsonInto"],
  examples: [
    ["phoenix trace wiki.oak.home.arpa", "every hop from DNS to the container"],
    ["phoenix trace https://wiki.oak.home.arpa/login", "the router that takes this path"],
    ["phoenix trace wiki --from lxc/220", "with the resolver and the ports as lxc/220 sees them"],
    ["phoenix trace vm/311", "a guest, its agent and its containers"],
  ],
  exits: [
    ["converged", "every hop is as declared"],
    ["error", "the site has errors, or a hop could not be looked at"],
    ["unverified", "a hop is broken, or not as declared"],
    "usage",
    "interrupted",
  ],
  completes: () => [],
  run: runTrace,
};

async function runTrace(call: Call): Promise<ExitCode> {
  const [word, more] = call.args;
  if (word === undefined || more !== undefined)
    throw new UsageError(word === undefined ? "a name to trace is required" : "trace takes one name", {
      hint: "phoenix trace wiki.example.net",
    });
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", (session) => traceAndShow(session, word));
}

async function traceAndShow(session: Session, word: string): Promise<ExitCode> {
  const { call, site, root, run, display, components } = session;
  const [
    { targetOf, guestFor },
    { servingSite },
    { trace },
    { Turn },
    { traceDocument, traceLines },
    { deliver },
    { nodeNameOf },
  ] = await Promise.all([
    import("../trace/target.ts"),
    import("../trace/serving.ts"),
    import("../trace/trace.ts"),
    import("../engine/turn.ts"),
    import("../render/trace.ts"),
    import("./output.ts"),
    import("../fabric/nodes.ts"),
  ]);
  const from = call.own.from;
  const guests = (Array.isArray(from) ? from.map(String) : []).map((each) => guestFor(site, each));
  const [component] = components;
  if (component === undefined) throw new UsageError("the site declares nothing that can be traced");
  const started = performance.now();
  // What components tell while they look is not what was asked.
  const { io } = new Turn({ ...run, emit: () => undefined }, component);
  const serving = await servingSite(io);
  const ways = (await trace({ ...io, site: serving }, targetOf(serving, word), guests)).map(
    withVerdict(await import("../trace/finding.ts"), (host) => nodeNameOf(site, host)),
  );
  const exitCode = exitCodeOf(ways);
  const durationMs = Math.round(performance.now() - started);
  display.pause();
  const facts = { site: root, world: run.world.description, asked: word, ways, durationMs, exitCode };
  await deliver(call, facts, traceDocument, traceLines, site);
  // What did not answer in time is not waited for.
  session.abort(new Error("the trace has ended"));
  return exitCode;
}

/** Not seen is not well; what a guest cannot tell of its own resolver is no hop of the way. */
function exitCodeOf(ways: readonly (TracedWay & { readonly well: boolean })[]): ExitCode {
  if (!ways.every(({ well }) => well)) return exitCodes.unverified;
  const isUnseen = ({ status, kind, host }: TracedWay["hops"][number]): boolean =>
    status === "unknown" && !(kind === "dns" && host !== "pve");
  return ways.some(({ hops }) => hops.some(isUnseen)) ? exitCodes.error : exitCodes.converged;
}

function withVerdict(
  { brokenHop }: typeof import("../trace/finding.ts"),
  nodeOf: (host: HostName) => string | undefined,
) {
  return (way: TracedWay) => {
    const broken = brokenHop(way.hops);
    const hops = way.hops.map(({ from, declared, ...hop }) => ({
      ...hop,
      ...defined({ node: nodeOf(hop.host) }),
      declared: from ?? declared,
    }));
    return { ...way, hops, well: broken === undefined, ...(broken === undefined ? {} : { broken }) };
  };
}
