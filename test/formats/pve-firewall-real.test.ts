/** The product's reading of Proxmox's firewall files against the recorded answers of the real one: every line and every file. */
import { describe, expect, test } from "vitest";
import { portNames } from "../../src/formats/netbase/ports.ts";
import { type FileFault, fileFaults } from "../../src/formats/pve-firewall/check.ts";
import { compileFirewall } from "../../src/formats/pve-firewall/compiled.ts";
import {
  emptyFile,
  type FirewallFile,
  optionOf,
  parseFirewall,
} from "../../src/formats/pve-firewall/index.ts";
import {
  type InstalledFirewall,
  installedVerdict,
  isEnabled,
} from "../../src/formats/pve-firewall/installed.ts";
import { macroParts } from "../../src/formats/pve-firewall/macros.ts";
import type { Packet } from "../../src/formats/pve-firewall/match.ts";
import { isOn } from "../../src/formats/pve-firewall/options.ts";
import { type FileReading, readFile } from "../../src/formats/pve-firewall/reading.ts";
import type { FwRule } from "../../src/formats/pve-firewall/rule.ts";
import {
  isPerls,
  type Parameters,
  type Place,
  plainWarning,
  type Question,
  recordedAt,
  recordedLines,
  recordedMacros,
  recordedRead,
  recordedRule,
  recordedSets,
} from "./pve-firewall-cases.ts";

/** What Phoenix alone says, by kind: each about a line that Proxmox takes. */
const ownKinds: readonly RegExp[] = [
  /port 0 stands for every port/,
  /0 stands for all/,
  /may mean an octal number/,
  /a type of ICMP belongs into -icmp-type/,
  /is not an address in full/,
  /invalid alias name/,
  /the section \[.*\] is there twice/,
];

function placeOf(file: string): Place {
  return file === "cluster.fw" ? "cluster" : file === "host.fw" ? "host" : "guest";
}

/** Names of parameters in the answers. */
const parameters = {
  macro: "macro",
  iface: "iface",
  proto: "proto",
  dport: "dport",
  sport: "sport",
  source: "source",
  dest: "dest",
  log: "log",
  icmpType: "icmp-type",
} as const;

/** A rule as the answers have it; macros are compared in lower case. */
function ruleAsRecorded(rule: FwRule, reading: FileReading): Parameters {
  const found: Record<string, string> = {
    enable: String(rule.enabled),
    type: rule.type.toLowerCase(),
    action: rule.action,
    hasErrors: String((reading.judgements.get(rule)?.faults.length ?? 0) > 0),
  };
  for (const [own, real] of Object.entries(parameters)) {
    const value = rule[own as keyof typeof parameters];
    if (value !== undefined) found[real] = own === "macro" ? value.toLowerCase() : value;
  }
  return found;
}

function optionsOf(file: FirewallFile, place: Place): Parameters {
  const keys = file.sections.flatMap(({ kind, lines }) =>
    kind === "options" ? lines.flatMap((line) => (line.kind === "option" ? [line.key] : [])) : [],
  );
  return Object.fromEntries(
    keys.map((key) => {
      const value = optionOf(file, key) ?? "";
      // An enable whose time is over is 0.
      const isOver = place === "cluster" && key === "enable" && !isOn(value, recordedAt);
      return [key, isOver ? "0" : value];
    }),
  );
}

/** Everything that was read, in the shape of the answers; entries and aliases with a fault are left out of both. */
function readAsRecorded(file: FirewallFile, reading: FileReading, place: Place): object {
  const rules = (list: readonly FwRule[]): readonly Parameters[] =>
    list.map((rule) => ruleAsRecorded(rule, reading));
  return {
    options: optionsOf(file, place),
    aliases: Object.fromEntries([...reading.aliases].map(([name, { address }]) => [name, address])),
    ipsets: Object.fromEntries(
      [...reading.ipsets].map(([name, entries]) => [
        name,
        entries.map(({ address, nomatch }) => `${nomatch ? "!" : ""}${address}`),
      ]),
    ),
    groups: Object.fromEntries([...reading.groups].map(([name, list]) => [name, rules(list)])),
    rules: rules(reading.rules),
  };
}

/** Proxmox's words for what Phoenix found, those of Perl alone for an alias that it cannot split included. */
function plainFaults(faults: readonly FileFault[]): readonly string[] {
  return faults
    .filter(
      ({ kind, message }) =>
        kind === "proxmox" && !/unable to parse alias|no such security group/.test(message),
    )
    .map(({ line, message }) => plainWarning(`(line ${line})${message}`))
    .sort();
}

interface World {
  readonly texts: ReadonlyMap<string, string>;
  readonly installed: InstalledFirewall;
}

function worldOf(files: Readonly<Record<string, string>>): World {
  const texts = new Map(Object.entries(files));
  const parsed = (name: string): FirewallFile => parseFirewall(texts.get(name) ?? "", placeOf(name));
  const guests = [...texts.keys()].filter((name) => placeOf(name) === "guest");
  return {
    texts,
    installed: {
      cluster: parsed("cluster.fw"),
      host: parsed("host.fw"),
      guests: new Map(guests.map((name) => [Number.parseInt(name, 10), parsed(name)])),
      unfiltered: new Set([102]),
      containers: new Map([100, 101].map((id) => [id, `10.0.0.${id}`])),
      localNetwork: "10.0.0.0/24",
      now: recordedAt,
    },
  };
}

function faultsIn(name: string, { texts, installed }: World): readonly FileFault[] {
  return fileFaults(
    texts.get(name) ?? "",
    placeOf(name),
    name === "cluster.fw" ? emptyFile : installed.cluster,
    portNames,
  );
}

function refusalsIn({ installed }: World): readonly string[] {
  if (!isEnabled(installed)) return [];
  return ([4, 6] as const).flatMap((family) =>
    compileFirewall(installed, family).refused.map(({ message }) => message),
  );
}

describe("lines", () => {
  test.each(recordedLines)("$topic $line", ({ topic, files, file: name, place, at, answer }) => {
    const world = worldOf(files);
    const file = parseFirewall(files[name] ?? "", place);
    const reading = readFile(
      file,
      place,
      name === "cluster.fw" ? emptyFile : world.installed.cluster,
      portNames,
    );
    const faults = faultsIn(name, world).filter(({ line }) => line === at);
    const said = faults.filter(({ kind }) => kind === "proxmox");
    expect(
      faults
        .filter(({ kind }) => kind === "own")
        .every(({ message }) => ownKinds.some((own) => own.test(message))),
    ).toBe(true);
    expect(faults.some(({ kind }) => kind === "fatal")).toBe(answer.fails !== undefined);
    if (answer.fails !== undefined) return;
    const warnings = (answer.warnings ?? []).filter((warning) => !isPerls(warning));
    expect(plainFaults(said).map((text) => text.replace(/^\(line \d+\) \| /, ""))).toEqual(
      [...warnings, ...(answer.compileWarnings ?? [])]
        .filter((warning) => !/no such security group|already exists/.test(warning))
        .map((warning) => plainWarning(warning).replace(/^ \| /, ""))
        .sort(),
    );
    // What Perl alone warns of, and what compiling shows.
    const isSaid = [...(answer.warnings ?? []), ...(answer.compileWarnings ?? [])].length > 0;
    if (topic !== "aliases") expect(said.length > 0).toBe(isSaid);
    expect(refusalsIn(world).length > 0).toBe(answer.refused !== undefined);
    if (answer.refused !== undefined) expect(faults.map(({ kind }) => kind)).toContain("kernel");
    if (topic.endsWith("rules")) {
      const [rule] = topic === "group-rules" ? (reading.groups.get("tried") ?? []) : reading.rules;
      expect(rule && ruleAsRecorded(rule, reading)).toEqual(answer.rule && recordedRule(answer.rule));
    }
    const { options, aliases, entry } = answer;
    const read = readAsRecorded(file, reading, place) as {
      options: object;
      aliases: object;
      ipsets: { tried?: string[] };
    };
    if (topic.endsWith("options")) expect(read.options).toEqual(options ?? {});
    if (topic === "aliases")
      expect(read.aliases).toEqual({
        nas: "10.0.0.5",
        ...(recordedRead({ aliases: aliases ?? {} }) as { aliases: object }).aliases,
      });
    if (topic === "ipset" && entry !== undefined)
      expect(read.ipsets.tried).toEqual(
        (recordedRead({ ipsets: { tried: [entry] } }) as { ipsets: { tried: string[] } }).ipsets.tried,
      );
  });
});

function packetOf({ direction, machine: _, text: __, answer: ___, ...more }: Question): Packet {
  return { direction: direction === "in" ? "IN" : "OUT", ...more };
}

describe("files", () => {
  test.each(recordedSets)("$name", ({ files, read, refused, isDisabled, questions }) => {
    const world = worldOf(files);
    const { installed } = world;
    for (const [name, recorded] of Object.entries(read)) {
      const place = placeOf(name);
      const file = parseFirewall(files[name] ?? "", place);
      const reading = readFile(file, place, name === "cluster.fw" ? emptyFile : installed.cluster, portNames);
      expect(readAsRecorded(file, reading, place), name).toEqual(recordedRead(recorded));
      const warnings = (recorded.warnings ?? []).filter((warning) => !isPerls(warning));
      const said = reading.faults.filter(({ message }) => !/unable to parse alias/.test(message));
      expect(said.map(({ line, message }) => plainWarning(`(line ${line})${message}`)).sort(), name).toEqual(
        warnings.map(plainWarning).sort(),
      );
      const own = faultsIn(name, world).filter(({ kind }) => kind === "own");
      expect(own.filter(({ message }) => !ownKinds.some((kind) => kind.test(message)))).toEqual([]);
    }
    expect(isEnabled(installed)).toBe(!isDisabled && Object.keys(files).length > 0 && isEnabled(installed));
    if (isDisabled) expect(isEnabled(installed)).toBe(false);
    expect(refusalsIn(world).length > 0).toBe(refused !== undefined);
    const found = questions.map((question) => {
      const { machine, text } = question;
      const { action } = installedVerdict(
        installed,
        machine === "host" ? "pve" : machine,
        packetOf(question),
      );
      return `${text}: ${action}`;
    });
    expect(found).toEqual(questions.map(({ text, answer }) => `${text}: ${answer}`));
  });
});

test("macros", () => {
  for (const [name, parts] of Object.entries(recordedMacros)) {
    const found = ([4, 6] as const).flatMap((family) =>
      (macroParts(name, family) ?? []).map(
        ({ protocol, ports, sourcePorts }) => `${family} ${protocol} ${ports ?? ""} ${sourcePorts ?? ""}`,
      ),
    );
    const real = ([4, 6] as const).flatMap((family) =>
      parts
        .filter((part) => part.family === undefined || part.family === `ipv${family}`)
        .map(
          ({ protocol, ports, type, sourcePorts }) =>
            `${family} ${protocol} ${ports ?? type ?? ""} ${sourcePorts ?? ""}`,
        ),
    );
    expect(found, name).toEqual(real);
  }
});
