/** Serves the dashboard's page until it is interrupted, and keeps it fresh while somebody looks. */
import {
  certifiedFor,
  defaultListening,
  isLoopback,
  type Listening,
  listeningAt,
  refuseUnfit,
} from "../dashboard/listen.ts";
import { liveDocument } from "../dashboard/live-run.ts";
import { type DashboardServer, type KeyPair, startServer } from "../dashboard/server.ts";
import { defined } from "../defined.ts";
import {
  codeOf,
  type ExitCode,
  exitCodes,
  InterruptedError,
  messageOf,
  PhoenixError,
  SiteError,
} from "../errors.ts";
import { findRoot } from "../fabric/ca-files.ts";
import { declared } from "../fabric/declared.ts";
import { readLiveRun } from "../journal/live.ts";
import { option } from "../option-names.ts";
import type { DashboardDocument } from "../render/output-dashboard.ts";
import type { Call } from "./command.ts";
import { describe, lookAndDescribe } from "./dashboard-look.ts";
import { type Session, withSession } from "./session.ts";
import { writeLines } from "./terminal.ts";

interface Serving {
  readonly listen?: string;
  /** How old a look may be while a page is open. */
  readonly everyMs: number;
}

/** Between two looks for a run in progress, while a page is open. Milliseconds. */
const pollMs = 1_000;
/** What is broken is looked at again sooner: it may have been a moment's. Milliseconds. */
const unwellMs = 20_000;
/** After a look that did not succeed. Milliseconds. */
const againMs = 10_000;

/** Each look has a session of its own: it reads the site anew, and finds the way to a hypervisor that was away. */
export async function servePage(call: Call, { listen, everyMs }: Serving): Promise<ExitCode> {
  const listening = listen === undefined ? undefined : listeningAt(listen);
  const { interruption } = call;
  const stop = interruption.stop;
  interruption.completeStepFirst(() => {});
  let opened: Opened | undefined;
  let last: DashboardDocument | undefined;
  try {
    while (!stop.aborted) {
      const said: string[] = [];
      try {
        await withSession(opened === undefined ? quiet(call) : quiet(call, said), "read", async (session) => {
          stop.addEventListener("abort", () => session.abort(new InterruptedError("interrupted")), {
            once: true,
          });
          opened ??= await open(session, listening);
          last = await lookAndWatch(session, opened, last, everyMs);
          return exitCodes.converged;
        });
      } catch (error) {
        if (!(error instanceof PhoenixError) || opened === undefined) throw error;
        if (stop.aborted) break;
        if (last !== undefined) opened.server.show({ ...last, fault: faultOf(call, error, said) });
        await pause(againMs, stop);
      }
    }
  } finally {
    await opened?.server.close();
  }
  return exitCodes.converged;
}

interface Opened {
  readonly server: DashboardServer;
  /** Reads the certificate again, which may have been renewed. */
  readonly renew: (session: Session) => Promise<void>;
}

async function open(session: Session, listening: Listening | undefined): Promise<Opened> {
  const { address } = listening ?? defaultListening;
  const { assets } = await import("../dashboard/assets.ts");
  const certified = isLoopback(address) ? undefined : certifiedFor(session.site, address);
  const keyPair = certified === undefined ? undefined : await keyPairOf(session, address);
  const start = (port: number): Promise<DashboardServer> =>
    startServer({
      ...{ assets, address, port, ...defined({ keyPair }) },
      names: certified?.certificate.names ?? ["localhost", "127.0.0.1", "[::1]"],
      ...defined({ shown: certified?.name }),
    });
  const server = await (listening === undefined
    ? start(defaultListening.port).catch((error: unknown) => {
        if (codeOf(error) !== "EADDRINUSE") throw error;
        return start(0);
      })
    : start(listening.port)
  ).catch((error: unknown) => {
    throw cannotListen(error, listening ?? defaultListening);
  });
  writeLines(session.call.terminal.stdout, [`The dashboard is at ${server.url}`]);
  writeLines(session.call.terminal.stderr, ["Its token is valid until you end it with Ctrl-C."]);
  return {
    server,
    renew: async (later) => {
      if (certified !== undefined) server.renew(await keyPairOf(later, address));
    },
  };
}

async function keyPairOf({ site, run: { world } }: Session, address: string): Promise<KeyPair> {
  const certified = certifiedFor(site, address);
  const { certPath, keyPath } = certified.certificate;
  const [files, root] = await Promise.all([
    world.host("pve").readFiles([certPath, keyPath]),
    findRoot(declared(site, "ca").rootFiles, (name) => world.host(name)),
  ]);
  const pair = { cert: files.get(certPath)?.text, key: files.get(keyPath)?.text };
  refuseUnfit(certified, pair, root.pem, world.clock.now());
  return pair;
}

function cannotListen(error: unknown, { address, port }: Listening): unknown {
  const code = codeOf(error) ?? "";
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there",
    EADDRNOTAVAIL: "this machine does not have that address",
    EACCES: "only root may use that port",
  };
  const reason = reasons[code];
  if (reason === undefined) return error;
  return new SiteError(`cannot listen on ${address}:${port}: ${reason}`, {
    hint: `name another address or port with ${option.listen}; port 0 is any free one`,
  });
}

/**
 * Looks, and then watches for runs until it is time to look again: a run has ended, or a page is open and the look is old.
 * While a run is in progress, what it has half done is no news.
 */
async function lookAndWatch(
  session: Session,
  { server, renew }: Opened,
  last: DashboardDocument | undefined,
  everyMs: number,
): Promise<DashboardDocument> {
  const { run, call } = session;
  const { stop } = call.interruption;
  const host = run.world.host("pve");
  const now = async () => {
    const found = await readLiveRun(host, run.world.clock);
    return found && call.terminal.redact(liveDocument(found, Date.now()));
  };
  let live = await now();
  if (last === undefined) server.show({ ...(await describe(session, undefined)), ...defined({ live }) });
  await renew(session);
  let shown = last;
  if (live === undefined) {
    shown = await lookAndDescribe(session);
    server.show(shown);
  } else server.showLive(live);
  const isWell = shown?.fault === undefined && shown?.ways.every(({ state }) => state !== "broken");
  const lookAt = Date.now() + (isWell ? everyMs : Math.min(everyMs, unwellMs));
  while (!stop.aborted) {
    await pause(pollMs, stop);
    if (server.pages === 0) continue;
    const before = live;
    live = await now();
    if (live !== undefined || before !== undefined) server.showLive(live);
    const hasEnded = live === undefined && before !== undefined;
    if (hasEnded || (live === undefined && Date.now() >= lookAt)) break;
  }
  return shown ?? describe(session, undefined);
}

function faultOf(
  call: Call,
  error: PhoenixError,
  said: readonly string[],
): NonNullable<DashboardDocument["fault"]> {
  const message = [messageOf(error), ...said].join("\n").slice(0, 4_000);
  return call.terminal.redact({ message, ...defined({ hint: error.hint }) });
}

/** The same call without progress on the screen; what it says goes to the page. */
function quiet(call: Call, said?: string[]): Call {
  const { terminal, options } = call;
  const stderr = {
    write: (text: string) => void said?.push(text),
    tty: false,
    columns: undefined,
    rows: undefined,
  };
  return {
    ...call,
    options: { ...options, quiet: true, verbose: said === undefined && options.verbose },
    terminal: said === undefined ? terminal : { ...terminal, stderr },
  };
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    stop.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    }
  });
}
