/**
 * Answers of the real pve-firewall 6.0.4 (its own parser, compiler and packet simulator, on Debian's netbase 6.4), recorded in
 * test/cases/firewall. The simulator was extended by what it refuses to judge: port lists, address ranges, source ports,
 * protocol numbers and excepted entries of sets.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

function recorded(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../cases/firewall", `${name}.json`), "utf8"));
}

/** A line in a section of a file, and what pve-firewall says about it. */
export interface RecordedLine {
  readonly file: "cluster" | "host" | "guest";
  /** The file's text: for cluster.fw with the shared names before the line. */
  readonly text: string;
  readonly line: string;
  /** null for a line that it takes; "uninitialized" where Perl alone warns. */
  readonly said: string | null;
}

const table = recorded("lines") as {
  "cluster.fw": string;
  lines: readonly (readonly ["cluster" | "host" | "guest", string, string, string | null])[];
};

/** cluster.fw for lines of other files. */
export const sharedCluster = table["cluster.fw"];

export const recordedLines: readonly RecordedLine[] = table.lines.map(([file, section, line, said]) => {
  const header = section === "" ? "" : `[${section}]\n`;
  const before = file === "cluster" ? sharedCluster : "";
  return {
    file,
    text: `${before}${header}${line}\n`,
    line: section === "" ? line : `${header}${line}`,
    said,
  };
});

/** Warnings in the form of the table: sorted parameters, or the words alone; null for none. */
export function saidOf(warnings: readonly string[]): string | null {
  const lines = warnings.join("\n").split("\n");
  const parameters = lines.filter((line) => /^ {2}\S+: /.test(line)).map((line) => line.trim());
  const text = parameters.length > 0 ? parameters.sort().join("; ") : lines.join("\n");
  return text === "" ? null : text;
}

/** A packet between two machines, and whether it gets through. */
export interface RecordedPacket {
  readonly from: "outside" | "pve" | "vm/100" | "lxc/200";
  readonly to: RecordedPacket["from"];
  readonly protocol: string;
  /** For ICMP the type. */
  readonly port: number | string | null;
  readonly source: string;
  readonly dest: string;
  readonly sport?: number;
  readonly answer: "ACCEPT" | "DROP" | "REJECT";
}

export interface RecordedWorld {
  readonly name: string;
  readonly cluster: string;
  readonly host: string;
  /** <vmid>.fw by id; a guest without one is not in it. */
  readonly guests: ReadonlyMap<number, string>;
  /** Whether vm/100 has firewall=1 on its interface; lxc/200 always has. */
  readonly hasFilteredInterface: boolean;
  readonly packets: readonly RecordedPacket[];
}

/** The addresses of the machines; the network is 10.0.0.0/24. */
const addresses = { outside: "10.0.0.50", pve: "10.0.0.13", "vm/100": "10.0.0.100", "lxc/200": "10.0.0.200" };

type PacketRow = readonly [
  RecordedPacket["from"],
  RecordedPacket["to"],
  string,
  RecordedPacket["port"],
  { readonly source?: string; readonly dest?: string; readonly sport?: number },
  RecordedPacket["answer"],
];

export const recordedWorlds: readonly RecordedWorld[] = (
  recorded("packets") as { worlds: readonly Readonly<Record<string, unknown>>[] }
).worlds.map((world) => ({
  name: String(world.name),
  cluster: String(world["cluster.fw"]),
  host: String(world["host.fw"] ?? ""),
  guests: new Map(
    [100, 200].flatMap((id) => {
      const text = world[`${id}.fw`];
      return text === undefined ? [] : [[id, String(text)] as const];
    }),
  ),
  hasFilteredInterface: world["without firewall=1"] === undefined,
  packets: (world.packets as readonly PacketRow[]).map(([from, to, protocol, port, more, answer]) => ({
    from,
    to,
    protocol,
    port,
    source: addresses[from],
    dest: addresses[to],
    ...more,
    answer,
  })),
}));

/** What each macro stands for. */
export const recordedMacros = (
  recorded("macros") as {
    macros: Readonly<Record<string, readonly { proto: string; dport?: string; sport?: string }[]>>;
  }
).macros;
