/** The recorded answers of pve-firewall 6.0.4 as test cases, for the product and for the lab: see test/cases/recorded/pve-firewall. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCases } from "../../script/record/cases.mjs";

const root = join(import.meta.dirname, "../cases/recorded/pve-firewall");

function answersIn(file: string): Readonly<Record<string, unknown>> {
  return (JSON.parse(readFileSync(join(root, file), "utf8")) as { answers: Record<string, unknown> }).answers;
}

export type Parameters = Readonly<Record<string, string>>;

/** A rule as pve-firewall keeps it. */
export interface RecordedRule {
  readonly enable: boolean;
  readonly type: string;
  readonly action: string;
  readonly errors?: Parameters;
  readonly [parameter: string]: unknown;
}

export interface RecordedEntry {
  readonly cidr: string | null;
  readonly nomatch?: boolean;
  readonly errors?: Parameters;
}

/** A file as pve-firewall reads it. */
export interface RecordedFile {
  readonly options?: Parameters;
  readonly aliases?: Readonly<Record<string, string | null>>;
  readonly ipsets?: Readonly<Record<string, readonly RecordedEntry[]>>;
  readonly groups?: Readonly<Record<string, readonly RecordedRule[]>>;
  readonly rules?: readonly RecordedRule[];
  readonly warnings?: readonly string[];
}

export type Place = "cluster" | "host" | "guest";

export interface LineCase {
  readonly topic: string;
  readonly line: string;
  /** The file that the line is in. */
  readonly place: Place;
  readonly files: Readonly<Record<string, string>>;
  /** The name of that file, and the line's number in it. */
  readonly file: string;
  readonly at: number;
  readonly answer: {
    readonly warnings?: readonly string[];
    readonly compileWarnings?: readonly string[];
    readonly rule?: RecordedRule;
    readonly options?: Parameters;
    readonly aliases?: Readonly<Record<string, string | null>>;
    readonly entry?: RecordedEntry;
    readonly refused?: string;
    readonly fails?: string;
  };
}

const on = "[OPTIONS]\nenable: 1\n";
const names = `
[ALIASES]
lan 10.0.0.0/24
nas 10.0.0.5
six fd00::/64
both 10.0.0.8

[IPSET admins]
10.0.0.7

[IPSET six-set]
fd00::/64

[IPSET both]
10.0.0.8

[group web]
IN ACCEPT -p tcp -dport 80
`;
const guestNames = `${on}
[ALIASES]
own 10.0.0.9
both 10.0.0.10

[IPSET own]
10.0.0.9

[IPSET both]
10.0.0.10

[RULES]
`;

/** What stands before a line, and behind it, in each topic: the table of the recording. */
const contexts: Readonly<Record<string, { place: Place; before: string; after?: string; cluster?: string }>> =
  {
    rules: { place: "cluster", before: `${on}${names}\n[RULES]\n` },
    "mutated-rules": { place: "cluster", before: `${on}${names}\n[RULES]\n` },
    "guest-rules": { place: "guest", before: guestNames, cluster: on + names },
    "group-rules": {
      place: "cluster",
      before: `${on}${names}\n[group tried]\n`,
      after: "\n[RULES]\nGROUP tried\n",
    },
    "cluster-options": { place: "cluster", before: "[OPTIONS]\n" },
    "host-options": { place: "host", before: "[OPTIONS]\n", cluster: on },
    "guest-options": { place: "guest", before: "[OPTIONS]\n", cluster: on },
    aliases: {
      place: "cluster",
      before: `${on}\n[ALIASES]\nnas 10.0.0.5\n`,
      after: "\n[RULES]\nIN ACCEPT -source web\n",
    },
    ipset: {
      place: "cluster",
      before: `${on}\n[ALIASES]\nlan 10.0.0.0/24\nsix fd00::/64\n\n[IPSET tried]\n`,
      after: "\n[RULES]\nIN ACCEPT -source +tried\n",
    },
  };

const fileNames: Readonly<Record<Place, string>> = {
  cluster: "cluster.fw",
  host: "host.fw",
  guest: "100.fw",
};

export const recordedLines: readonly LineCase[] = Object.entries(answersIn("recorded-lines-6.0.4.json")).map(
  ([key, answer]) => {
    const topic = key.slice(0, key.indexOf("/"));
    const line = key.slice(key.indexOf("/") + 1);
    const { place, before, after = "", cluster } = contexts[topic] ?? { place: "cluster", before: "" };
    const file = fileNames[place];
    const text = `${before}${line}\n${after}`;
    return {
      topic,
      line,
      place,
      file,
      files: { ...(cluster === undefined ? {} : { "cluster.fw": cluster }), [file]: text },
      at: before.split("\n").length,
      answer: answer as LineCase["answer"],
    };
  },
);

export interface Question {
  readonly text: string;
  readonly machine: "host" | number;
  readonly direction: "in" | "out";
  readonly protocol: string;
  readonly port?: number;
  readonly icmpType?: string;
  readonly sourcePort: number;
  readonly source: string;
  readonly dest: string;
  readonly iface: string;
  readonly answer: string;
}

export interface FileSet {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly read: Readonly<Record<string, RecordedFile>>;
  readonly compileWarnings: readonly string[];
  readonly refused: string | undefined;
  readonly isDisabled: boolean;
  readonly questions: readonly Question[];
}

interface SetAnswer {
  readonly files: Readonly<Record<string, RecordedFile>>;
  readonly answers?: Parameters;
  readonly compileWarnings?: readonly string[];
  readonly refused?: string;
  readonly disabled?: boolean;
}

/** When the answers were recorded, in seconds since the epoch: a time of `enable` in them was over or to come. */
export const recordedAt = Date.UTC(2026, 10, 28) / 1000;

const setAnswers = answersIn("recorded-files-6.0.4.json") as Readonly<Record<string, SetAnswer>>;

export const recordedSets: readonly FileSet[] = readCases(join(root, "files"), "cluster.fw").map(
  ({ name, files }) => {
    const answer = setAnswers[name] ?? { files: {} };
    return {
      name,
      files: Object.fromEntries(Object.entries(files).filter(([file]) => file.endsWith(".fw"))),
      read: answer.files,
      compileWarnings: answer.compileWarnings ?? [],
      refused: answer.refused,
      isDisabled: answer.disabled === true,
      questions: Object.entries(answer.answers ?? {}).map(([text, decision]) => questionOf(text, decision)),
    };
  },
);

/** "100 out udp/67 sport 68 to 10.0.0.1 at vmbr7": the node is 10.0.0.13, guest N 10.0.0.N; in IPv6 fd00::13 and fd00::N. */
function questionOf(text: string, answer: string): Question {
  const pattern =
    /^(host|\d+) (in|out) ([^\s/]+)(?:\/(\S+))?(?: sport (\d+))? (?:from|to) (\S+)(?: at (\S+))?$/;
  const [, who = "", direction = "", protocol = "", port, sport = "40000", other = "", iface = "vmbr0"] =
    pattern.exec(text) ?? [];
  const number = who === "host" ? "13" : who;
  const own = other.includes(":") ? `fd00::${number}` : `10.0.0.${number}`;
  const isIn = direction === "in";
  return {
    text,
    machine: who === "host" ? who : Number(who),
    direction: isIn ? "in" : "out",
    protocol,
    ...(port === undefined ? {} : /^\d+$/.test(port) ? { port: Number(port) } : { icmpType: port }),
    sourcePort: Number(sport),
    source: isIn ? other : own,
    dest: isIn ? own : other,
    iface: who === "host" ? iface : "net0",
    answer,
  };
}

export interface RecordedMacroPart {
  readonly protocol: string;
  readonly ports?: string;
  readonly sourcePorts?: string;
  readonly type?: string;
  readonly family?: "ipv4" | "ipv6";
}

export const recordedMacros = answersIn("recorded-macros-6.0.4.json") as Readonly<
  Record<string, readonly RecordedMacroPart[]>
>;

/** Perl's own words about a line that it goes on with: they have no place, and say nothing of the line. */
export function isPerls(warning: string): boolean {
  return /^Use of uninitialized value/.test(warning);
}

/**
 * A warning without what no reader has to repeat: the file, the line as it was written, details of an address, and the word for
 * the kind of guest. Parameters are sorted.
 */
export function plainWarning(warning: string): string {
  const [head = "", ...parameters] = warning.split("\n");
  const place = /\(line \d+\)/.exec(head)?.[0] ?? "";
  const said = head
    .replace(/^.*?\(line \d+\)/, "")
    .replace(/^\s*:\s*/, "")
    .replace(/ - errors in (?:rule parameters|ipset)[^\n]*$/, "errors");
  const details = parameters.map((line) =>
    line
      .trim()
      .replace(/(invalid IP address):.*/, "$1")
      .replace(/ for rule_env '\w+'/, "")
      // Of several that a macro contradicts Perl's hash decides which one is said.
      .replace(/.*(already define in macro).*/, "$1"),
  );
  return [place, said, ...details.sort()].join(" | ");
}

/** A recorded rule in the shape that a reading is compared in. */
export function recordedRule({
  enable,
  type,
  action,
  errors,
  comment: _,
  ...more
}: RecordedRule): Parameters {
  const rest = Object.entries(more).map(([key, value]) => [
    key,
    key === "macro" ? String(value).toLowerCase() : value,
  ]);
  return {
    enable: String(enable),
    type,
    action,
    hasErrors: String(errors !== undefined),
    ...Object.fromEntries(rest),
  };
}

/** A recorded file likewise; entries and aliases with a fault are left out. */
export function recordedRead({
  options = {},
  aliases = {},
  ipsets = {},
  groups = {},
  rules = [],
}: RecordedFile): object {
  return {
    options,
    // Perl's bytes are characters of the answers.
    aliases: Object.fromEntries(
      Object.entries(aliases)
        .filter(([, cidr]) => cidr !== null)
        .map(([name, cidr]) => [Buffer.from(name, "latin1").toString("utf8"), cidr]),
    ),
    ipsets: Object.fromEntries(
      Object.entries(ipsets).map(([name, entries]) => [
        name,
        entries
          .filter(({ errors }) => errors === undefined)
          .map(({ cidr, nomatch }) => `${nomatch === true ? "!" : ""}${cidr}`),
      ]),
    ),
    groups: Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, list.map(recordedRule)])),
    rules: rules.map(recordedRule),
  };
}
