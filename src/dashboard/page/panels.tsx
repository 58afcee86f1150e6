/** What goes with the fabric: the pending plan, certificates, components, machines, and the history of runs. */
import type { ComponentChildren, JSX } from "preact";
import type { DashboardDocument } from "../../render/output-dashboard.ts";
import { count, duration } from "../../render/words.ts";
import { signNames } from "./live.tsx";
import { ago, date } from "./words.ts";

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly children: ComponentChildren;
}

function Panel({ id, title, note, children }: PanelProps): JSX.Element {
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>
        {title} {note !== undefined && <small>{note}</small>}
      </h2>
      {children}
    </section>
  );
}

export function Plan({ page: { plan, looked } }: { readonly page: DashboardDocument }): JSX.Element {
  const note =
    plan === undefined
      ? undefined
      : plan.converged
        ? "in sync"
        : `${plan.create} to create, ${plan.update} to update, ${plan.delete} to delete`;
  return (
    <Panel id="plan" title="Pending plan" {...(note === undefined ? {} : { note })}>
      {plan === undefined ? (
        <p class="empty">
          {looked === undefined ? "The first look is on its way." : "It could not be made."}
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard must reach that
        <pre class={plan.converged ? "plan is-short" : "plan"} tabIndex={0}>
          {plan.lines.map((line, at) => (
            <span key={at} class={classOf(line)}>
              {`${line}\n`}
            </span>
          ))}
        </pre>
      )}
    </Panel>
  );
}

/** The colour of a line by its sign. */
function classOf(line: string): string {
  const sign = /^\s*([=+~!>-]) /.exec(line)?.[1];
  return sign === undefined ? "" : `sign-${signNames[sign]}`;
}

export function Failures({ failures }: Pick<DashboardDocument, "failures">): JSX.Element | null {
  if (failures.length === 0) return null;
  return (
    <Panel id="failures" title="Failed checks" note="besides those of names">
      <ul class="lines">
        {failures.map(({ component, claim, seen, hint }) => (
          <li key={claim} class="failure sign-failed">
            <span class="sign" aria-hidden="true">
              !
            </span>
            <strong>{component}</strong>
            <span class="doing">
              {claim}: {seen}
              {hint !== undefined && <span class="hint">{hint}</span>}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const certificateWords = {
  valid: "valid",
  due: "renewal due",
  expired: "expired",
  missing: "missing",
  unknown: "not read",
} as const;

export function Certificates({ certificates }: Pick<DashboardDocument, "certificates">): JSX.Element | null {
  if (certificates.length === 0) return null;
  return (
    <Panel id="certificates" title="Certificates">
      <ul class="lines">
        {certificates.map(({ name, state, daysLeft, ends, names, at }) => (
          <li
            key={name}
            class={`certificate is-${state}`}
            title={`${names.join(", ")} (${at.file}:${at.line})`}
          >
            <span class="mono grows">{name}</span>
            <span class="left">{ends === undefined ? "" : leftWords(daysLeft ?? 0)}</span>
            <span class="word">{certificateWords[state]}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function leftWords(days: number): string {
  if (days < 0) return `since ${Math.ceil(-days)} days`;
  return days < 2 ? `${Math.floor(days * 24)} h left` : `${Math.floor(days)} days left`;
}

export function Components({
  components,
  off,
}: Pick<DashboardDocument, "components" | "off">): JSX.Element | null {
  if (components.length === 0) return null;
  return (
    <Panel id="components" title="Components">
      <ul class="lines">
        {components.map(({ component, state, resources, checksPassed, checksFailed, note }) => (
          <li key={component} class={`component is-${state.replace(" ", "-")}`}>
            <strong>{component}</strong>
            <span class="doing">{note === "" ? count(resources, "resource") : note}</span>
            <span class="quiet">
              {checksFailed > 0 ? `${checksFailed} failed` : `${checksPassed} passed`}
            </span>
            <span class="word">{state}</span>
          </li>
        ))}
        {off.map(({ component, reason }) => (
          <li key={component} class="component is-off">
            <strong>{component}</strong>
            <span class="doing">{reason}</span>
            <span class="word">off</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function Machines({ machines }: Pick<DashboardDocument, "machines">): JSX.Element {
  return (
    <Panel id="machines" title="Machines">
      <ul class="lines">
        {machines.map(({ host, name, address, roles, state, note }) => (
          <li key={host} class={`machine is-${state.replace(" ", "-")}`}>
            <strong>{name}</strong>
            <span class="doing">
              {[host, address, ...roles].filter(Boolean).join(" · ")}
              {note !== "" && <span class="note">{note}</span>}
            </span>
            <span class="word">{state === "unknown" ? "not asked" : state}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** A run's duration is drawn beside the longest one's. */
export function Runs({
  runs,
  nowMs,
}: Pick<DashboardDocument, "runs"> & { readonly nowMs: number }): JSX.Element {
  const longest = Math.max(1, ...runs.map(({ durationMs }) => durationMs));
  return (
    <Panel id="runs" title="Runs">
      {runs.length === 0 && <p class="empty">No runs yet.</p>}
      <ol class="lines">
        {runs.map(({ generation, command, who, host, started, durationMs, exitCode, outcome, changes }) => (
          <li
            key={generation}
            class={`run ${exitCode === 0 ? "is-proved" : "is-broken"}`}
            title={`${who} on ${host}, ${date(started)}`}
          >
            <span class="mono quiet">{generation}</span>
            <span class="doing">
              <strong>{command}</strong>
              <span class="note">
                {ago(started, nowMs)} · {count(changes, "change")}
              </span>
            </span>
            <svg class="bar" width="60" height="6" aria-hidden="true">
              <rect width={Math.max(2, (durationMs / longest) * 60)} height="6" rx="3" />
            </svg>
            <span class="time">{duration(durationMs)}</span>
            <span class="word">{outcome}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
