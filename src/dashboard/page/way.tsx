/** One name's way: its rail, and opened, what each hop is expected to be, what was seen, and what declares it. */
import type { JSX } from "preact";
import { ago, type Hop, hopTitles, states, type Way } from "./words.ts";

interface WayRowProps {
  readonly way: Way;
  readonly isOpen: boolean;
  /** The hop to point at, by its place in the way. */
  readonly hop: number | undefined;
  readonly nowMs: number;
  readonly onToggle: (hop: number | undefined) => void;
}

/** The columns between the name and the end, by the kinds of hops that stop there. */
const columns: readonly (readonly Hop["kind"][])[] = [
  ["dns"],
  ["tcp"],
  ["tls"],
  ["gateway"],
  ["mesh"],
  ["backend", "guest"],
  ["container"],
];
/** Columns whose stops have a text beside their sign. */
const named = new Set<Hop["kind"]>(["mesh", "backend", "guest", "container"]);

export function WayRow({ way, isOpen, hop, nowMs, onToggle }: WayRowProps): JSX.Element {
  const { name, hops, state } = way;
  const id = `way-${name}-${way.leadsTo}`.replace(/[^\w-]/g, "_");
  const last = columns.findLastIndex((kinds) => hops.some(({ kind }) => kinds.includes(kind)));
  return (
    <li class={`way is-${state}`}>
      <button
        type="button"
        class="row rail"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={(event) => onToggle(hopClicked(event))}
      >
        <span class="name">
          {name}
          <span class="unseen">: {wordsOf(way)}</span>
        </span>
        {columns.map((kinds, column) => (
          <Stop key={kinds[0]} hops={hops} kinds={kinds} isPast={column > last} />
        ))}
      </button>
      {isOpen && <Hops id={id} way={way} hop={hop} nowMs={nowMs} />}
    </li>
  );
}

/** "proved"; "broken at Guest". */
function wordsOf({ state, hops }: Way): string {
  const at = hops.find((hop) => hop.state === state);
  const { word } = states[state];
  return state === "proved" || at === undefined ? word : `${word} at ${hopTitles[at.kind]}`;
}

/** A click on a stop is about that hop; one beside them, and a key, are about the whole way. */
function hopClicked({ target }: Event): number | undefined {
  const stop = target instanceof Element ? target.closest<HTMLElement>("[data-hop]") : null;
  return stop === null ? undefined : Number(stop.dataset.hop);
}

interface StopProps {
  readonly hops: readonly Hop[];
  readonly kinds: readonly Hop["kind"][];
  /** The way has ended before this column. */
  readonly isPast: boolean;
}

function Stop({ hops, kinds, isPast }: StopProps): JSX.Element {
  const at = hops.findIndex(({ kind }) => kinds.includes(kind));
  const hop = worstOf(hops.filter(({ kind }) => kinds.includes(kind)));
  if (hop === undefined)
    return <span class={isPast ? "stop is-past" : "stop is-passed"} aria-hidden="true" />;
  const { sign, word } = states[hop.state];
  const isBehindFault = hops.slice(0, at).some(({ state }) => state === "broken");
  return (
    <span
      class={`stop is-${hop.state}${isBehindFault ? " is-behind-fault" : ""}`}
      data-hop={at}
      aria-hidden="true"
      title={`${hopTitles[hop.kind]} ${hop.label}: ${word}`}
    >
      <span class="sign">{sign}</span>
      {named.has(hop.kind) && <span class="label">{hop.label}</span>}
    </span>
  );
}

/** Requests may be shared by several backends: the one that is not well stands for them. */
function worstOf(hops: readonly Hop[]): Hop | undefined {
  return hops.find(({ state }) => state !== "proved") ?? hops[0];
}

interface HopsProps {
  readonly id: string;
  readonly way: Way;
  readonly hop: number | undefined;
  readonly nowMs: number;
}

function Hops({ id, way, hop: pointed, nowMs }: HopsProps): JSX.Element {
  return (
    <div class="detail" id={id}>
      <p class="quiet">
        {way.name} leads to {way.leadsTo}
      </p>
      <ol class="hops">
        {way.hops.map((hop, at) => (
          <li key={`${hop.kind}${at}`} class={`hop is-${hop.state}${pointed === at ? " is-pointed" : ""}`}>
            <p class="hop-title">
              <span class="sign" aria-hidden="true">
                {states[hop.state].sign}
              </span>
              <strong>{hopTitles[hop.kind]}</strong> <span class="hop-state">{states[hop.state].word}</span>
              <span class="quiet hop-host">{hop.host}</span>
            </p>
            <dl>
              <Fact name="expected" value={hop.expected} />
              <Fact name="declared" value={`${hop.at.file}:${hop.at.line}`} />
              <Fact name="last proof" value={hop.proved === undefined ? "none" : ago(hop.proved, nowMs)} />
              {hop.seen !== undefined && <Fact name="seen" value={hop.seen} />}
              {hop.hint !== undefined && <Fact name="hint" value={hop.hint} />}
            </dl>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div class={`fact is-${name.replace(" ", "-")}`}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
