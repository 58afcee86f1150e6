/** The whole page: how it is in one line, the fabric, and what goes with it. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DashboardDocument } from "../../render/output-dashboard.ts";
import { count } from "../../render/words.ts";
import { Fabric } from "./fabric.tsx";
import { LiveRun } from "./live.tsx";
import { Certificates, Components, Failures, Machines, Plan, Runs } from "./panels.tsx";
import { ago, date, isWell } from "./words.ts";

/** "file": a static page, which nothing updates. */
export type Connection = "live" | "lost" | "file";

interface AppProps {
  readonly page: DashboardDocument;
  readonly connection: Connection;
}

const tickMs = 10_000;

export function App({ page, connection }: AppProps): JSX.Element {
  const nowMs = useNow();
  return (
    <>
      <Head page={page} connection={connection} nowMs={nowMs} />
      <main>
        <div class="fabric-column">
          <Notices page={page} connection={connection} />
          <Fabric ways={page.ways} machines={page.machines} nowMs={nowMs} />
        </div>
        <div class="panels">
          {page.live && <LiveRun live={page.live} nowMs={nowMs} />}
          <Plan page={page} />
          <Failures failures={page.failures} />
          <Certificates certificates={page.certificates} />
          <Components components={page.components} off={page.off} />
          <Machines machines={page.machines} />
          <Runs runs={page.runs} nowMs={nowMs} />
        </div>
      </main>
      <footer>
        <span>Phoenix {page.phoenix}</span>
        <span>{page.site}</span>
        <span>made {date(page.made)}</span>
        <span>
          <kbd>/</kbd> search, <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> open, <kbd>Esc</kbd> close
        </span>
      </footer>
    </>
  );
}

function useNow(): number {
  const [nowMs, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

function Head({ page, connection, nowMs }: AppProps & { readonly nowMs: number }): JSX.Element {
  const { sign, state, text } = verdictOn(page);
  return (
    <header class="head">
      <div>
        <h1>{page.domain}</h1>
        <p class="quiet">{page.world}</p>
      </div>
      <div class="verdict" role="status">
        <p class={`verdict-line is-${state}`}>
          <span class="sign" aria-hidden="true">
            {sign}
          </span>{" "}
          {text}
        </p>
        <p class="quiet">
          {page.looked === undefined ? "The first look is on its way" : `Looked ${ago(page.looked, nowMs)}`}
          {connection === "file" && `, on ${date(page.looked ?? page.made)}`}
        </p>
      </div>
    </header>
  );
}

function verdictOn({ ways, looked, plan, failures }: DashboardDocument) {
  const broken = ways.filter(({ state }) => state === "broken").length;
  const unwell = ways.filter((way) => !isWell(way)).length;
  if (looked === undefined && unwell === ways.length)
    return { sign: "?", state: "unknown", text: `${count(ways.length, "name")}, not looked at yet` };
  if (broken > 0)
    return { sign: "!", state: "broken", text: `${broken} of ${count(ways.length, "name")} broken` };
  if (failures.length > 0)
    return { sign: "!", state: "broken", text: `${count(failures.length, "check")} failed` };
  if (plan?.converged === false) return { sign: "~", state: "drift", text: "Changes are pending" };
  if (unwell > 0)
    return { sign: "?", state: "unknown", text: `${unwell} of ${count(ways.length, "name")} not proved` };
  return { sign: "✓", state: "proved", text: `All ${count(ways.length, "name")} proved` };
}

function Notices({ page: { fault }, connection }: AppProps): JSX.Element | null {
  if (fault === undefined && connection !== "lost") return null;
  return (
    <div class="notice" role="alert">
      {connection === "lost" && (
        <p>
          <strong>No connection to the dashboard.</strong> The page shows what was last seen, and connects
          again by itself.
        </p>
      )}
      {fault !== undefined && (
        <p>
          <strong>The last look did not succeed:</strong> {fault.message}
          {fault.hint !== undefined && <span class="hint">{fault.hint}</span>}
        </p>
      )}
    </div>
  );
}
