/** What Proxmox complains about in a firewall file, in its own words and with the line. Pure. */
import { addressRange } from "../ipv4/index.ts";
import { type FirewallFile, groupNames, type Line, parseFirewall, type Section } from "./index.ts";
import { printRule } from "./rule.ts";
import { type KnownNames, type RulePlace, ruleFaults } from "./values.ts";

export interface FileFault {
  /** From 1. */
  readonly line: number;
  /** As Proxmox prints it after "FILE (line N)". */
  readonly message: string;
}

/** The largest file that pmxcfs takes, in bytes (pve-cluster 9.1). */
export const fileLimit = 1024 * 1024;

/** The names that rules of a file may refer to. @param cluster cluster.fw, whose names guests' files may use as well */
export function knownNames(file: FirewallFile, cluster?: FirewallFile): KnownNames {
  const all = [...(cluster?.sections ?? []), ...file.sections];
  const aliases = all.flatMap(({ lines }) =>
    lines.flatMap((line) => (line.kind === "alias" ? [line.name] : [])),
  );
  return {
    aliases: new Set(aliases.map((name) => name.toLowerCase())),
    ipsets: new Set(all.flatMap(({ kind, name }) => (kind === "ipset" && name !== undefined ? [name] : []))),
    groups: new Set([...groupNames(cluster ?? { sections: [] }), ...groupNames(file)]),
  };
}

/** Every line of a file's text that Proxmox would not take, or that only one of its two parsers takes. */
export function fileFaults(
  text: string,
  place: Exclude<RulePlace, "group">,
  cluster?: FirewallFile,
): readonly FileFault[] {
  const file = parseFirewall(text);
  const known = knownNames(file, cluster);
  const numbers = text.split("\n").flatMap((line, at) => (line.trim() === "" ? [] : [at + 1]));
  const faults: FileFault[] = [];
  const seen = new Set<string>();
  let at = 0;
  for (const section of file.sections) {
    if (section.kind !== "preamble") {
      const line = numbers[at] ?? 0;
      faults.push(...headerFaults(section, seen).map((message) => ({ line, message })));
      at += 1;
    }
    for (const each of section.lines) {
      const line = numbers[at] ?? 0;
      faults.push(...lineFaults(each, section, place, known).map((message) => ({ line, message })));
      at += 1;
    }
  }
  if (new TextEncoder().encode(text).length > fileLimit)
    faults.push({ line: 1, message: ": the file is larger than 1 MiB" });
  return faults;
}

function headerFaults({ kind, name = "" }: Section, seen: Set<string>): readonly string[] {
  const key = `${kind} ${name}`;
  const again = seen.has(key);
  seen.add(key);
  return [
    ...(again ? [`: the section [${key.trim()}] is there twice`] : []),
    ...(kind === "group" && name.length > 18
      ? [`: the group name '${name}' is longer than 18 characters`]
      : []),
    ...(kind === "ipset" && name.length > 64
      ? [`: the ipset name '${name}' is longer than 64 characters`]
      : []),
  ];
}

function lineFaults(line: Line, section: Section, place: RulePlace, known: KnownNames): readonly string[] {
  switch (line.kind) {
    case "strange":
      return [`: ${line.fault}`];
    case "alias":
    case "entry": {
      const address = line.kind === "alias" ? line.range : line.address;
      const isName =
        line.kind === "entry" && known.aliases.has(address.replace(/^(?:dc|guest)\//, "").toLowerCase());
      return isName || address.includes(":") || addressRange(address) !== undefined
        ? []
        : [`: invalid address '${address}'`];
    }
    case "rule": {
      const faults = ruleFaults(line.rule, section.kind === "group" ? "group" : place, known);
      if (faults.length === 0) return [];
      const words = faults.map(({ parameter, message }) => `\n  ${parameter}: ${message}`).join("");
      return [` - errors in rule parameters: ${printRule(line.rule)}${words}`];
    }
    default:
      return [];
  }
}
