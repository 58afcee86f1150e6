/** The lab's Proxmox firewall against the recorded answers of the real one: every line, every file, every question. */
import { describe, expect, test } from "vitest";
import { debianNetbase } from "../../lab/firewall.ts";
import { compile, isEnabled, type Ruleset } from "../../lab/pve-firewall/compile.ts";
import { decide, type Place as Look } from "../../lab/pve-firewall/decide.ts";
import { loadError } from "../../lab/pve-firewall/load.ts";
import { macroMatches } from "../../lab/pve-firewall/macros.ts";
import { type FirewallConfig, nothing, readFirewall } from "../../lab/pve-firewall/read.ts";
import type { Rule } from "../../lab/pve-firewall/verify.ts";
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
} from "../formats/pve-firewall-cases.ts";

function placeOf(file: string): Place {
  return file === "cluster.fw" ? "cluster" : file === "host.fw" ? "host" : "guest";
}

function ruleAsRecorded({ enabled, type, action, macro, options, errors }: Rule): Parameters {
  const { i, p, ...more } = options;
  return {
    enable: String(enabled),
    type,
    action,
    hasErrors: String(errors.size > 0),
    ...(macro === undefined ? {} : { macro: macro.toLowerCase() }),
    ...(i === undefined ? {} : { iface: i }),
    ...(p === undefined ? {} : { proto: p }),
    ...more,
  };
}

/** What was read, in the shape of the answers; entries and aliases with a fault are left out of both. */
function readAsRecorded(config: FirewallConfig, place: Place): object {
  const { enable } = config.options;
  const isOver =
    place === "cluster" && enable !== undefined && !isEnabled({ cluster: config, now: recordedAt });
  return {
    options: { ...config.options, ...(isOver ? { enable: "0" } : {}) },
    aliases: Object.fromEntries(config.aliases),
    ipsets: Object.fromEntries(
      [...config.sets].map(([name, entries]) => [
        name,
        entries.map(({ address, nomatch }) => `${nomatch ? "!" : ""}${address}`),
      ]),
    ),
    groups:
      place === "cluster"
        ? Object.fromEntries([...config.groups].map(([name, rules]) => [name, rules.map(ruleAsRecorded)]))
        : {},
    rules: config.rules.map(ruleAsRecorded),
  };
}

interface World {
  readonly configs: ReadonlyMap<string, FirewallConfig>;
  readonly ruleset: Ruleset;
}

const machines = { 100: "veth100i0", 101: "veth101i0", 102: "veth102i0", 200: "tap200i0" } as const;

function worldOf(files: Readonly<Record<string, string>>): World {
  const cluster = readFirewall("cluster.fw", files["cluster.fw"] ?? "", "cluster", debianNetbase);
  const configs = new Map([["cluster.fw", cluster]]);
  for (const [name, text] of Object.entries(files))
    if (name !== "cluster.fw")
      configs.set(name, readFirewall(name, text, placeOf(name) as "host" | "guest", debianNetbase, cluster));
  const ruleset = compile({
    cluster,
    host: configs.get("host.fw") ?? nothing,
    guests: Object.entries(machines).map(([id, tap]) => ({
      id,
      tap,
      filtered: id !== "102",
      file: configs.get(`${id}.fw`) ?? nothing,
      ...(tap.startsWith("veth") ? { address: `10.0.0.${id}` } : {}),
    })),
    localNetwork: "10.0.0.0/24",
    netbase: debianNetbase,
    now: recordedAt,
  });
  return { configs, ruleset };
}

/** A place is said, and Perl's own words are not compared. */
function plain(warnings: readonly string[]): readonly string[] {
  return warnings
    .filter((warning) => !isPerls(warning) && !/Use of uninitialized value/.test(warning))
    .map(plainWarning)
    .sort();
}

describe("lines", () => {
  test.each(recordedLines)("$topic $line", ({ topic, files, file, place, at, answer }) => {
    const { configs, ruleset } = worldOf(files);
    const config = configs.get(file) ?? nothing;
    expect(config.dies !== undefined).toBe(answer.fails !== undefined);
    if (answer.fails !== undefined) return;
    const said = config.warnings.filter((warning) => warning.includes(`(line ${at})`));
    const unplaced = plain(said).map((text) => text.replace(/^\(line \d+\)/, ""));
    expect(unplaced).toEqual(plain(answer.warnings ?? []).map((text) => text.replace(/^\(line \d+\)/, "")));
    const compiled = ruleset.warnings.filter((warning) => !/\(line \d+\)/.test(warning));
    if (topic !== "aliases") expect([...compiled].sort()).toEqual([...(answer.compileWarnings ?? [])].sort());
    expect(loadError(ruleset) !== undefined).toBe(answer.refused !== undefined);
    if (topic.endsWith("rules")) {
      const [rule] = topic === "group-rules" ? (config.groups.get("tried") ?? []) : config.rules;
      expect(rule && ruleAsRecorded(rule)).toEqual(answer.rule && recordedRule(answer.rule));
    }
    const read = readAsRecorded(config, place) as {
      options: object;
      aliases: object;
      ipsets: { tried?: object };
    };
    const { options = {}, aliases = {}, entry } = answer;
    const real = recordedRead({
      options,
      aliases,
      ipsets: { tried: entry === undefined ? [] : [entry] },
    }) as typeof read;
    if (topic.endsWith("options")) expect(read.options).toEqual(real.options);
    if (topic === "aliases") expect(read.aliases).toEqual({ nas: "10.0.0.5", ...real.aliases });
    if (topic === "ipset" && entry !== undefined) expect(read.ipsets.tried).toEqual(real.ipsets.tried);
  });
});

/** Where a packet is looked at; an interface without firewall=1 has no bridge of its own. */
function lookOf({ machine, direction, iface }: Question): Look | undefined {
  if (machine === "host") return { chain: direction === "in" ? "PVEFW-HOST-IN" : "PVEFW-HOST-OUT", iface };
  if (machine === 102) return undefined;
  const tap = machines[machine as keyof typeof machines];
  const link = `fwln${machine}i0`;
  return {
    chain: "PVEFW-FORWARD",
    ...(direction === "in" ? { from: link, to: tap } : { from: tap, to: link }),
  };
}

function answerTo(question: Question, ruleset: Ruleset): string {
  const look = lookOf(question);
  const { port, icmpType, sourcePort: sport, ...packet } = question;
  if (look === undefined || !ruleset.enabled) return "ACCEPT";
  return decide(ruleset, look, {
    ...packet,
    sport,
    ...(port === undefined ? {} : { dport: port }),
    ...(icmpType === undefined ? {} : { icmpType }),
  });
}

describe("files", () => {
  test.each(recordedSets)("$name", ({ files, read, compileWarnings, refused, isDisabled, questions }) => {
    const { configs, ruleset } = worldOf(files);
    for (const [name, recorded] of Object.entries(read)) {
      const config = configs.get(name) ?? nothing;
      expect(readAsRecorded(config, placeOf(name)), name).toEqual(recordedRead(recorded));
      expect(plain(config.warnings), name).toEqual(plain(recorded.warnings ?? []));
    }
    const compiled = ruleset.warnings.filter((warning) => !/\(line \d+\)/.test(warning));
    expect([...new Set(compiled)].sort()).toEqual([...new Set(compileWarnings)].sort());
    if (isDisabled) expect(ruleset.enabled).toBe(false);
    expect(loadError(ruleset) !== undefined).toBe(refused !== undefined);
    expect(questions.map((question) => `${question.text}: ${answerTo(question, ruleset)}`)).toEqual(
      questions.map(({ text, answer }) => `${text}: ${answer}`),
    );
  });
});

test("macros", () => {
  for (const [name, parts] of Object.entries(recordedMacros)) {
    const found = (["4", "6"] as const).flatMap((family) =>
      (macroMatches(name, family) ?? []).map(
        ({ p, dport = "", sport = "" }) => `${family} ${p} ${dport} ${sport}`,
      ),
    );
    const real = (["4", "6"] as const).flatMap((family) =>
      parts
        .filter((part) => part.family === undefined || part.family === `ipv${family}`)
        .map(
          ({ protocol, ports, type, sourcePorts = "" }) =>
            `${family} ${protocol} ${ports ?? type ?? ""} ${sourcePorts}`,
        ),
    );
    expect(found, name).toEqual(real);
  }
});
