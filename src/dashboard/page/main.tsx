/** The page's start: its data from the page itself (a static file) or from the server that it came from, then kept fresh. */
import { render } from "preact";
import type { DashboardDocument } from "../../render/output-dashboard.ts";
import { App, type Connection } from "./app.tsx";

const root = document.getElementById("page");
const inline = document.getElementById("data")?.textContent;

let shown: DashboardDocument | undefined;

function show(connection: Connection): void {
  if (root === null || shown === undefined) return;
  document.title = `${titleOf(shown)} · Phoenix`;
  render(<App page={shown} connection={connection} />, root);
}

function titleOf({ ways, domain }: DashboardDocument): string {
  const unwell = ways.filter(({ state }) => state === "broken" || state === "drift").length;
  return unwell === 0 ? domain : `(${unwell}) ${domain}`;
}

async function load(): Promise<void> {
  const answer = await fetch("data.json", { credentials: "same-origin" });
  if (answer.status === 401)
    return say("This page's token is no longer valid: open the address that phoenix dashboard printed last.");
  if (!answer.ok) return say(`The dashboard answers ${answer.status}.`);
  shown = (await answer.json()) as DashboardDocument;
  show("live");
}

function say(text: string): void {
  if (root !== null) render(<p class="lost">{text}</p>, root);
}

/** The browser connects again by itself; what was missed meanwhile is in the next document. */
function follow(): void {
  const events = new EventSource("events");
  events.addEventListener("page", () => void load());
  events.addEventListener("live", (event) => {
    if (shown === undefined) return;
    const { live: _, ...rest } = shown;
    const live = JSON.parse(String(event.data)) as DashboardDocument["live"] | null;
    shown = live === null || live === undefined ? rest : { ...rest, live };
    show("live");
  });
  events.addEventListener("error", () => show("lost"));
  events.addEventListener("open", () => void load());
}

if (inline !== undefined && inline !== null) {
  shown = JSON.parse(inline) as DashboardDocument;
  show("file");
} else {
  // The token has become a cookie: it need not stay in the address.
  history.replaceState(null, "", location.pathname + location.hash);
  void load();
  follow();
}
