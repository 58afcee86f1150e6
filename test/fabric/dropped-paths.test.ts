/** The rules about the firewall: each code has a case that passes and one that fails. Places are lines of a made-up file. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile, paths } from "../../src/components/firewall/compile.ts";
import { partsOf, withParts } from "../../src/components/firewall/files.ts";
import { declaredCluster } from "../../src/fabric/cluster-firewall.ts";
import { droppedPaths } from "../../src/fabric/dropped-paths.ts";
import { firewallOf, verdictOn } from "../../src/fabric/firewall.ts";
import { requiredPaths } from "../../src/fabric/paths.ts";
import { fileLimit } from "../../src/formats/pve-firewall/check.ts";
import { emptyFile, printedSize, printFirewall } from "../../src/formats/pve-firewall/index.ts";
import type { FirewallPolicy, FirewallRule } from "../../src/model.ts";
import { compareProblems } from "../../src/problem.ts";
import { labSite } from "../lab/site.ts";
import type { WholeSite } from "../whole-site.ts";

type RuleCase = Omit<FirewallRule, "from"> & { readonly line: number };
interface Case {
  readonly host: readonly RuleCase[];
  readonly guests: Readonly<
    Record<string, readonly RuleCase[] | { enabled: boolean; rules: readonly RuleCase[] }>
  >;
  readonly outputPolicy?: FirewallPolicy;
  /** "LINE SEVERITY CODE MESSAGE". */
  readonly problems: readonly string[];
}

const folder = join(import.meta.dirname, "../cases/rules");
const codes = ["PHX0520", "PHX0521", "PHX0522", "PHX0523"];
const names = readdirSync(folder).filter((name) => codes.includes(name.slice(0, 7)));

const ruleOf = ({ line, ...rule }: RuleCase): FirewallRule => ({
  ...rule,
  from: { file: "etc/rules.json", line, column: 1 },
});

function siteOf({ host, guests, outputPolicy }: Case): WholeSite {
  return {
    ...labSite,
    firewall: {
      ...labSite.firewall,
      rules: host.map(ruleOf),
      ...(outputPolicy === undefined ? {} : { outputPolicy }),
    },
    guests: labSite.guests.map((guest) => {
      const given = guests[guest.host];
      if (given === undefined) return guest;
      const { enabled, rules } = "rules" in given ? given : { enabled: true, rules: given };
      return { ...guest, firewall: { enabled, rules: rules.map(ruleOf) } };
    }),
  };
}

test.each(names)("%s", (name) => {
  const given = JSON.parse(readFileSync(join(folder, name), "utf8")) as Case;
  const found = [...droppedPaths(siteOf(given))].sort(compareProblems);
  expect(found.map(({ at, severity, code, message }) => `${at.line} ${severity} ${code} ${message}`)).toEqual(
    given.problems,
  );
  for (const problem of found) expect(problem.hint).toBeDefined();
});

test("every code has a case that passes and one that fails", () => {
  for (const code of codes) {
    const of = names.filter((name) => name.startsWith(code));
    expect(of.map((name) => name.replace(/^.*\.(\w+)\.json$/, "$1")).sort()).toEqual(["fail", "pass"]);
  }
});

describe("PHX0524", () => {
  const filtered = (count: number): WholeSite => {
    const [guest] = labSite.guests.filter(({ firewall }) => firewall?.enabled === true);
    if (guest === undefined) throw new Error("no guest of the lab's site is filtered");
    const more = Array.from({ length: count }, (_, at) => ({
      ...guest,
      host: `lxc/${10_000 + at}` as const,
      id: 10_000 + at,
    }));
    return { ...labSite, guests: [...labSite.guests, ...more] };
  };
  const sizes = (site: WholeSite): readonly string[] =>
    droppedPaths(site).flatMap(({ code, message }) => (code === "PHX0524" ? [message] : []));

  test("a cluster.fw beyond 1 MiB is refused, with its size and the limit", () => {
    const one = printedSize(declaredCluster(filtered(1))) - printedSize(declaredCluster(labSite));
    const most = Math.floor((fileLimit - printedSize(declaredCluster(labSite))) / one);
    expect(printedSize(declaredCluster(filtered(most)))).toBeLessThanOrEqual(fileLimit);
    expect(sizes(filtered(most))).toEqual([]);
    const size = printedSize(declaredCluster(filtered(most + 1)));
    expect(sizes(filtered(most + 1))).toEqual([
      `cluster.fw would be 1.00 MiB large (${size} bytes), and Proxmox's cluster file system takes 1 MiB (1048576 bytes)`,
    ]);
  });

  test("the size is that of the file that a sync writes", () => {
    const empty = new Map([[paths.cluster, emptyFile]]);
    const [first] = compile(labSite);
    if (first === undefined) throw new Error("nothing is compiled");
    const written = withParts(labSite, empty, partsOf(labSite, { verb: "create", desired: first }));
    const cluster = written.get(paths.cluster) ?? emptyFile;
    expect(printFirewall(cluster)).toHaveLength(printFirewall(declaredCluster(labSite)).length);
  });
});

describe("openings", () => {
  test("are derived for every path that the fabric needs, whatever the policies are", () => {
    for (const inputPolicy of ["ACCEPT", "DROP", "REJECT"] as const)
      for (const outputPolicy of ["ACCEPT", "DROP", "REJECT"] as const) {
        const site = { ...labSite, firewall: { ...labSite.firewall, inputPolicy, outputPolicy } };
        const firewall = firewallOf(site);
        for (const path of requiredPaths(site)) expect(verdictOn(site, firewall, path).action).toBe("ACCEPT");
      }
  });

  test("are not derived where a declared rule opens the path already", () => {
    const before = firewallOf(labSite).guests.find(({ group }) => group === "phx-lxc-104")?.rules.length ?? 0;
    const guests = labSite.guests.map((guest) =>
      guest.host === "lxc/104"
        ? {
            ...guest,
            firewall: {
              enabled: true,
              rules: [ruleOf({ direction: "in", action: "ACCEPT", protocol: "tcp", line: 1 })],
            },
          }
        : guest,
    );
    const after = firewallOf({ ...labSite, guests }).guests.find(
      ({ group }) => group === "phx-lxc-104",
    )?.rules;
    expect(before).toBe(4);
    expect(after).toHaveLength(1);
  });

  test("nothing is opened to everybody but the gateway's two ports", () => {
    const { host, guests } = firewallOf(labSite);
    const all = [...host, ...guests.flatMap(({ rules }) => rules)].map(({ rule }) => rule);
    const open = all.filter(({ type, source }) => type === "IN" && source === undefined);
    expect(open.map(({ dport }) => dport)).toEqual(["80", "443"]);
  });

  test("templates have no firewall", () => {
    expect(firewallOf(labSite).guests.map(({ group }) => group)).not.toContain("phx-lxc-900");
  });
});
