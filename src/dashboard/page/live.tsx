/** The run in progress, a line for each component as on the terminal. */
import type { JSX } from "preact";
import type { LiveDocument } from "../../render/output-dashboard.ts";
import { duration } from "../../render/words.ts";
import { ago } from "./words.ts";

export function LiveRun({
  live,
  nowMs,
}: {
  readonly live: LiveDocument;
  readonly nowMs: number;
}): JSX.Element {
  return (
    <section class="panel live" aria-labelledby="live">
      <h2 id="live">
        Running now <span class="pulse" aria-hidden="true" />
      </h2>
      <p class="quiet" role="status">
        {live.command}, started {ago(live.started, nowMs)} by {live.who} on {live.host}
      </p>
      <ul class="lines">
        {live.components.map(({ component, sign, doing, durationMs, phase }) => (
          <li key={component} class={`is-${phase} sign-${signNames[sign]}`}>
            <span class="sign" aria-hidden="true">
              {sign}
            </span>
            <strong>{component}</strong>
            <span class="doing">{doing}</span>
            <span class="time">{durationMs === undefined ? "" : duration(durationMs)}</span>
          </li>
        ))}
      </ul>
      {live.components.length === 0 && <p class="empty">It has not told anything yet.</p>}
    </section>
  );
}

/** The terminal's signs as names that a style sheet can use. */
export const signNames: Readonly<Record<string, string>> = {
  "=": "same",
  "+": "create",
  "~": "update",
  "-": "delete",
  "!": "failed",
  ">": "later",
  " ": "none",
};
