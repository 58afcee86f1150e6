/** Chains and sets as the kernel's programs take them. */
import type { ChainRule, Match } from "../../../lab/pve-firewall/chains.ts";
import type { Ruleset } from "../../../lab/pve-firewall/compile.ts";

/** What to give to netfilter; "" takes every rule away. */
export interface Commands {
  /** For `ipset restore`. */
  readonly sets: string;
  /** For `iptables-restore`. */
  readonly rules: string;
}

export function commandsOf({ enabled, sets, chains }: Ruleset): Commands {
  if (!enabled) return { sets: "", rules: "" };
  const ofIpv4 = new Map([...sets].filter(([name]) => name.endsWith("-v4")));
  return { sets: setLines(ofIpv4), rules: ruleLines(chains) };
}

/** Each set is made if need be, emptied and filled. */
function setLines(sets: Ruleset["sets"]): string {
  return [...sets]
    .flatMap(([name, entries]) => [
      `create ${name} hash:net family inet`,
      `flush ${name}`,
      ...entries.map(({ address, nomatch }) => `add ${name} ${address}${nomatch ? " nomatch" : ""}`),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

function ruleLines(chains: Ruleset["chains"]): string {
  const names = [...chains.keys()].sort();
  const jumps = [
    ...(chains.has("PVEFW-HOST-IN") ? ["-A INPUT -j PVEFW-HOST-IN", "-A OUTPUT -j PVEFW-HOST-OUT"] : []),
    "-A FORWARD -j PVEFW-FORWARD",
  ];
  return [
    "*filter",
    ...["INPUT", "FORWARD", "OUTPUT"].map((name) => `:${name} ACCEPT [0:0]`),
    ...names.map((name) => `:${name} - [0:0]`),
    ...jumps,
    ...names.flatMap((name) => (chains.get(name) ?? []).map((rule) => `-A ${name} ${ruleLine(rule)}`)),
    "COMMIT",
    "",
  ].join("\n");
}

function ruleLine({ target, rejectWith, ...match }: ChainRule): string {
  const { iface, bridged, state, protocol, icmpType, source, dest, dport, sport } = match;
  return [
    ...(iface === undefined ? [] : [iface.direction === "in" ? "-i" : "-o", iface.name]),
    ...(bridged === undefined
      ? []
      : ["-m", "physdev", "--physdev-is-bridged", `--physdev-${bridged.direction}`, bridged.name]),
    ...(state === undefined ? [] : ["-m", "conntrack", "--ctstate", state]),
    ...(protocol === undefined ? [] : ["-p", protocol]),
    ...(icmpType === undefined ? [] : ["--icmp-type", icmpType]),
    ...address(source, "src"),
    ...address(dest, "dst"),
    ...ports("dport", dport),
    ...ports("sport", sport),
    "-j",
    target,
    ...(rejectWith === undefined ? [] : ["--reject-with", rejectWith]),
  ].join(" ");
}

function ports(option: "dport" | "sport", text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  return text.includes(",") ? ["-m", "multiport", `--${option}s`, text] : [`--${option}`, text];
}

function address(end: Match["source"], side: "src" | "dst"): readonly string[] {
  if (end === undefined) return [];
  if (typeof end === "object")
    return ["-m", "set", ...(end.except ? ["!"] : []), "--match-set", end.set, side];
  if (end.includes("-")) return ["-m", "iprange", `--${side}-range`, end];
  return [side === "src" ? "-s" : "-d", end];
}
