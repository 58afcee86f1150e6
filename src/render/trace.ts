/** `phoenix trace`: each hop in a line, then the first broken one with its cause, the line that declares it, and what to do. */
import type { ExitCode } from "../errors.ts";
import type { HostName } from "../resource.ts";
import { clip, hanging, table, wrap, wrapAtDots } from "./layout.ts";
import type { TraceDocument } from "./output-schemas.ts";
import { placeOf } from "./text-changes.ts";
import type { View } from "./view.ts";
import { count, duration, flat, oneLine } from "./words.ts";

type Way = TraceDocument["ways"][number];
type Hop = Way["hops"][number];

export interface TraceFacts {
  readonly site: string;
  readonly world: string;
  readonly asked: string;
  readonly ways: readonly Way[];
  readonly durationMs: number;
  readonly exitCode: ExitCode;
}

export function traceDocument(facts: TraceFacts): TraceDocument {
  const { site, world, asked, ways, durationMs, exitCode } = facts;
  return { format: "phoenix.trace/1", site, world, asked, ways, durationMs, exitCode };
}

export function traceLines({ ways, world, durationMs, exitCode }: TraceFacts, view: View): readonly string[] {
  const hops = ways.flatMap((way) => way.hops);
  const wrong = ways.filter(({ well }) => !well);
  const work = `${count(hops.length, "hop")} · ${duration(durationMs)}`;
  const unseen = hops.filter(({ status }) => status === "unknown").length;
  const well =
    unseen === 0
      ? `${ways.length === 1 ? "The way is" : `All ${ways.length} ways are`} as declared`
      : `What was seen is as declared, but ${count(unseen, "hop")} could not be looked at`;
  const end =
    wrong.length === 0
      ? well
      : `${ways.length === 1 ? "The way is broken" : `${wrong.length} of ${ways.length} ways are broken`}`;
  return [
    ...ways.flatMap((way) => [...wayLines(way, world, view), ""]),
    ...wrapAtDots(`${end} · ${work}${exitCode === 0 ? "" : ` (exit ${exitCode})`}`, view.width),
  ];
}

const words = {
  ok: "ok",
  broken: "broken",
  degraded: "not as declared",
  affected: "fails",
  unknown: "unknown",
} as const;

function wayLines(way: Way, world: string, view: View): readonly string[] {
  const { paint } = view;
  const colours = {
    ok: paint.green,
    broken: paint.red,
    degraded: paint.yellow,
    affected: paint.red,
    unknown: paint.dim,
  };
  const rows = way.hops.map((hop, at) => [
    String(at + 1),
    hop.kind,
    whereOf(hop, view),
    clip(oneLine(hop.seen), 120),
    duration(hop.durationMs),
    words[hop.status],
  ]);
  const columns = [
    { align: "right" as const },
    {},
    {},
    { flexible: true as const },
    { align: "right" as const, paint: paint.dim },
    {
      paint: (text: string) =>
        colours[way.hops.find(({ status }) => words[status] === text)?.status ?? "ok"](text),
    },
  ];
  const title = way.name === way.leadsTo ? way.name : `${paint.bold(way.name)} -> ${way.leadsTo}`;
  return [
    title,
    paint.dim(`from ${world}`),
    "",
    ...table(rows, columns, Math.max(40, view.width - 1)).map((line) => ` ${line}`),
    ...causeLines(way, view),
  ];
}

/** "lxc/101 (gateway)", in a cluster "lxc/101 (gateway) on pve2". */
function whereOf({ host, node }: Hop, view: View): string {
  return `${view.hostName(host as HostName)}${node === undefined ? "" : ` on ${node}`}`;
}

function causeLines({ hops, broken }: Way, view: View): readonly string[] {
  const first = broken === undefined ? undefined : hops[broken];
  if (first === undefined || broken === undefined) return [];
  const others = hops.filter(
    (hop, at) => at !== broken && (hop.status === "broken" || hop.status === "degraded"),
  );
  const verdict = first.status === "degraded" ? "is not as declared" : "is broken";
  const head = `Hop ${broken + 1} (${first.kind}, ${whereOf(first, view)}) ${verdict}: `;
  return [
    "",
    ...wrap(`${head}${flat(first.cause ?? `expected ${first.expected}, got ${first.seen}`)}`, view.width),
    ...(first.details ?? []).flatMap((line) => hanging("  ", oneLine(line), view.width)),
    ...wrap(`  declared in ${placeOf(first.declared)}`, view.width),
    ...(first.hint === undefined ? [] : hanging("  hint: ", flat(first.hint), view.width)),
    ...others.flatMap((hop) => alsoLines(hops.indexOf(hop) + 1, hop, view)),
  ];
}

/** Hops behind the broken one are measured all the same, and come second. */
function alsoLines(number: number, { kind, cause, seen, hint }: Hop, view: View): readonly string[] {
  return [
    ...hanging(`  besides, hop ${number} (${kind}): `, flat(cause ?? seen), view.width),
    ...(hint === undefined ? [] : hanging("    hint: ", flat(hint), view.width)),
  ];
}
