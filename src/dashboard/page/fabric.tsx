/** The fabric as a picture: a rail for each name, with a stop for each hop of its way. */
import type { JSX, RefObject, TargetedKeyboardEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DashboardDocument } from "../../render/output-dashboard.ts";
import { count } from "../../render/words.ts";
import { WayRow } from "./way.tsx";
import { isWell, type Way } from "./words.ts";

interface FabricProps {
  readonly ways: readonly Way[];
  readonly machines: DashboardDocument["machines"];
  readonly nowMs: number;
}

/** What is opened: a way, and the hop that was clicked. */
interface Opened {
  readonly key: string;
  readonly hop: number | undefined;
}

/** Rows that are drawn at once; the others follow when these are on the screen. */
const firstRows = 60;

export function Fabric({ ways, machines, nowMs }: FabricProps): JSX.Element {
  const [search, setSearch] = useState("");
  const [isNarrowed, setNarrowed] = useState(false);
  const [opened, setOpened] = useState<Opened>();
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const rows = useRows();
  useEffect(() => onSlash(() => field.current?.focus()), []);
  const shown = useMemo(
    () => ways.filter((way) => (!isNarrowed || !isWell(way)) && matches(way, search)),
    [ways, isNarrowed, search],
  );
  const drawn = useMemo(
    () =>
      shown.slice(0, rows).map((way) => {
        const key = keyOf(way);
        const isOpen = opened?.key === key;
        return (
          <WayRow
            key={key}
            way={way}
            isOpen={isOpen}
            hop={isOpen ? opened.hop : undefined}
            nowMs={isOpen ? nowMs : 0}
            onToggle={(hop) => setOpened(isOpen && hop === undefined ? undefined : { key, hop })}
          />
        );
      }),
    [shown, rows, opened, opened === undefined ? 0 : nowMs],
  );
  return (
    <section aria-labelledby="fabric">
      <Tools
        field={field}
        search={search}
        onSearch={setSearch}
        onDown={(event) => focusRow(list.current, 0, event)}
        isNarrowed={isNarrowed}
        onNarrow={setNarrowed}
        unwell={ways.filter((way) => !isWell(way)).length}
        note={shown.length === ways.length ? count(ways.length, "name") : `${shown.length} of ${ways.length}`}
      />
      <Columns ways={ways} machines={machines} />
      <ul
        class="ways"
        ref={list}
        onKeyDown={(event) => {
          if (event.key === "Escape") setOpened(undefined);
          moveBetweenRows(event);
        }}
      >
        {drawn}
      </ul>
      {shown.length === 0 && <p class="empty">{emptyWords(ways, search)}</p>}
    </section>
  );
}

/** How many rows to draw: all, once the first ones are on the screen. */
function useRows(): number {
  const [rows, setRows] = useState(firstRows);
  useEffect(() => {
    const later = requestAnimationFrame(() => setTimeout(() => setRows(Number.POSITIVE_INFINITY)));
    return () => cancelAnimationFrame(later);
  }, []);
  return rows;
}

interface ToolsProps {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly search: string;
  readonly onSearch: (search: string) => void;
  readonly onDown: (event: TargetedKeyboardEvent<HTMLInputElement>) => void;
  readonly isNarrowed: boolean;
  readonly onNarrow: (isNarrowed: boolean) => void;
  /** Names that are not well. */
  readonly unwell: number;
  /** How many are shown. */
  readonly note: string;
}

function Tools(props: ToolsProps): JSX.Element {
  const { field, search, onSearch, onDown, isNarrowed, onNarrow, unwell, note } = props;
  const words = "Search names, machines, files";
  return (
    <div class="tools">
      <h2 id="fabric">Fabric</h2>
      <input
        ref={field}
        type="search"
        class="search"
        placeholder={words}
        aria-label={words}
        value={search}
        onInput={(event) => onSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onSearch("");
          if (event.key === "ArrowDown") onDown(event);
        }}
      />
      <button type="button" class="filter" aria-pressed={isNarrowed} onClick={() => onNarrow(!isNarrowed)}>
        Not well <span class="number">{unwell}</span>
      </button>
      <span class="quiet" role="status">
        {note}
      </span>
    </div>
  );
}

/** The machines that requests pass, above their stops. */
function Columns({ ways, machines }: Pick<FabricProps, "ways" | "machines">): JSX.Element {
  const machineOf = (role: string) => machines.find(({ roles }) => roles.includes(role));
  const [gateway, mesh] = [machineOf("gateway"), machineOf("mesh")];
  const ends = new Set(ways.map(({ host }) => host)).size;
  const containers = new Set(
    ways.flatMap(({ host, hops }) =>
      hops.flatMap(({ kind, label }) => (kind === "container" ? `${host} ${label}` : [])),
    ),
  ).size;
  return (
    <div class="columns rail" aria-hidden="true">
      <span class="column column-name">
        Names <small>{ways.length}</small>
      </span>
      <span class="column">DNS</span>
      <span class="column">Port</span>
      <span class="column">TLS</span>
      <span class="column">
        <span class="long">Gateway</span>
        <span class="short">Gate</span> <small>{gateway?.host}</small>
      </span>
      <span class="column">
        Mesh <small>{mesh?.host}</small>
      </span>
      <span class="column">
        Guest <small>{ends}</small>
      </span>
      <span class="column">
        <span class="long">Container</span>
        <span class="short">Cont.</span> <small>{containers}</small>
      </span>
    </div>
  );
}

function keyOf({ name, leadsTo }: Way): string {
  return `${name} ${leadsTo}`;
}

function matches({ name, leadsTo, host, state, hops }: Way, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [
    name,
    leadsTo,
    host,
    state,
    ...hops.map(({ label, host, at, expected }) => `${label} ${host} ${at.file}:${at.line} ${expected}`),
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function emptyWords(ways: readonly Way[], search: string): string {
  if (ways.length === 0) return "The site declares no names.";
  return search === "" ? "Everything is well." : `Nothing matches "${search}".`;
}

function moveBetweenRows(event: TargetedKeyboardEvent<HTMLUListElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(".row")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const steps: Readonly<Record<string, number>> = {
    ...{ ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 },
  };
  const to = steps[event.key];
  if (at >= 0 && to !== undefined) focusRow(event.currentTarget, to, event);
}

function focusRow(list: HTMLElement | null, at: number, event: TargetedKeyboardEvent<HTMLElement>): void {
  const row = list?.querySelectorAll<HTMLElement>(".row")[at];
  if (row === undefined) return;
  event.preventDefault();
  row.focus();
}

/** Calls `use` for "/" outside of fields. Returns what ends that. */
function onSlash(use: () => void): () => void {
  const listen = (event: KeyboardEvent): void => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    use();
  };
  addEventListener("keydown", listen);
  return () => removeEventListener("keydown", listen);
}
