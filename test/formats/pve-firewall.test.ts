/** Proxmox's firewall files: what is read is printed again, changed in one place only, and judged as Proxmox judges it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fileFaults } from "../../src/formats/pve-firewall/check.ts";
import { withGroups, withOption, withRules } from "../../src/formats/pve-firewall/edit.ts";
import {
  type FirewallFile,
  groupsOf,
  type Line,
  optionOf,
  parseFirewall,
  printFirewall,
  rulesOf,
} from "../../src/formats/pve-firewall/index.ts";
import { commentText, type FwRule, parseRule, printRule } from "../../src/formats/pve-firewall/rule.ts";

const cases = join(import.meta.dirname, "../cases/firewall");
const files = (folder: string): readonly (readonly [string, string])[] =>
  readdirSync(join(cases, folder))
    .filter((name) => name.endsWith(".fw"))
    .map((name) => [name, readFileSync(join(cases, folder, name), "utf8")]);

describe("a file that Proxmox takes", () => {
  test.each(files("valid"))("%s is printed as it was read, and has no faults", (name, text) => {
    expect(printFirewall(parseFirewall(text))).toBe(text);
    const cluster = parseFirewall("[group phx-vm-1002]\n");
    expect(fileFaults(text, name === "guest.fw" ? "guest" : "cluster", cluster)).toEqual([]);
  });

  test("may be written loosely, which does not matter and stays as it is", () => {
    const loose =
      "[options]\n  enable:   1\n[rules]\n\tin ACCEPT   -dport 80 -p tcp   #  web \nin ACCEPT --source 10.0.0.1 --proto udp\n";
    const file = parseFirewall(loose);
    expect(printFirewall(file)).toBe(loose);
    expect(optionOf(file, "enable")).toBe("1");
    expect(rulesOf(file).map(printRule)).toEqual([
      "IN ACCEPT -p tcp -dport 80 # web",
      "IN ACCEPT -source 10.0.0.1 -p udp",
    ]);
    expect(printFirewall(withOption(file, "enable", "1"))).toBe(loose);
    expect(printFirewall(withOption(file, "policy_in", "DROP"))).toBe(
      loose.replace("enable:   1\n", "enable:   1\npolicy_in: DROP\n"),
    );
  });
});

test.each(files("faults"))("the faults of %s", async (name, text) => {
  const faults = fileFaults(text, "cluster").map(({ line, message }) => `(line ${line})${message}\n`);
  await expect(faults.join("")).toMatchFileSnapshot(join(cases, "faults", name.replace(".fw", ".txt")));
  expect(
    printFirewall(parseFirewall(text))
      .split("\n")
      .filter((line) => line !== "").length,
  ).toBe(text.split("\n").filter((line) => line !== "").length);
});

test("a file with Windows line ends has no section that Proxmox knows", () => {
  const file = parseFirewall("[OPTIONS]\r\nenable: 1\r\n");
  expect(file.sections.map(({ kind }) => kind)).toEqual(["preamble"]);
  expect(optionOf(file, "enable")).toBeUndefined();
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{1,8}$/);
const address = fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.0.${a}.${b}`);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const comment = fc.string({ unit: "binary", maxLength: 60 }).map(commentText);

const rule: fc.Arbitrary<FwRule> = fc
  .record({
    enabled: fc.boolean(),
    type: fc.constantFrom("IN" as const, "OUT" as const),
    action: fc.constantFrom("ACCEPT", "DROP", "REJECT"),
    macro: optional(fc.constantFrom("SSH", "DNS", "Ping")),
    iface: optional(fc.constantFrom("vmbr0", "net0", "eth0:1")),
    source: optional(
      fc.oneof(
        address,
        fc.tuple(address, address).map((pair) => pair.join(",")),
        word,
      ),
    ),
    dest: optional(address),
    proto: optional(fc.constantFrom("tcp", "udp", "icmp")),
    dport: optional(fc.constantFrom("80", "80,443", "8000:8010")),
    sport: optional(fc.constantFrom("1024:65535")),
    log: optional(fc.constantFrom("nolog", "err", "warning")),
    icmpType: optional(fc.constantFrom("echo-request", "any")),
    comment,
  })
  .map(
    (each) =>
      Object.fromEntries(
        Object.entries(each).filter(([, value]) => value !== undefined),
      ) as unknown as FwRule,
  );

describe("for every rule", () => {
  test("reading what was printed gives the rule", () => {
    fc.assert(fc.property(rule, (each) => void expect(parseRule(printRule(each))).toEqual({ rule: each })));
  });

  test("no comment begins a line or a rule of its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), rule, (text, each) => {
        const { comment: _, ...bare } = each;
        const made = commentText(text);
        const line = printRule(made === undefined ? bare : { ...bare, comment: made });
        const file = parseFirewall(`[RULES]\n${line}\n`);
        expect(rulesOf(file)).toHaveLength(1);
        expect(rulesOf(file)[0]?.action).toBe(each.action);
      }),
    );
  });
});

/** What a file says, without how it is written. */
function withoutRaw({ sections }: FirewallFile): FirewallFile {
  return {
    sections: sections.map(({ raw: _, lines, ...section }) => ({
      ...section,
      lines: lines.map(({ raw: __, ...line }) => line as Line),
    })),
  };
}

test("every text is printed as it was read, byte for byte", () => {
  const piece = fc.constantFrom(
    ...[
      "[RULES]",
      "[rules] # x",
      "[IPSET 10net]",
      "[group web]",
      "IN ACCEPT",
      " in\tDROP  -p tcp ",
      "10.0.0.1",
      "# x",
      "",
    ],
    ...["\ufeff[OPTIONS]", "enable: 1\r", "\u00a0", "\t", "|IN SSH(ACCEPT)#x", "lan  10.0.0.0/8"],
  );
  const text = fc.tuple(fc.array(piece, { maxLength: 12 }), fc.constantFrom("", "\n", "\n\n"));
  fc.assert(
    fc.property(
      text,
      fc.constantFrom("cluster" as const, "host" as const, "guest" as const),
      ([lines, end], place) => {
        const whole = lines.join("\n") + end;
        expect(printFirewall(parseFirewall(whole, place))).toBe(whole);
      },
    ),
    { numRuns: 1000 },
  );
});

describe("for every file", () => {
  const section = fc.oneof(
    fc.record({
      kind: fc.constant("rules" as const),
      lines: fc.array(
        rule.map((each) => ({ kind: "rule" as const, rule: each })),
        { minLength: 1 },
      ),
    }),
    fc.record({
      kind: fc.constant("group" as const),
      name: word,
      lines: fc.array(rule.map((each) => ({ kind: "rule" as const, rule: each }))),
    }),
    fc.record({
      kind: fc.constant("options" as const),
      lines: fc.array(
        fc.constantFrom(
          { kind: "option" as const, key: "ebtables", value: "1" },
          { kind: "option" as const, key: "policy_out", value: "REJECT" },
          { kind: "option" as const, key: "log_ratelimit", value: "enable=0" },
        ),
        { minLength: 1 },
      ),
    }),
    fc.record({
      kind: fc.constant("ipset" as const),
      name: word,
      lines: fc.array(
        fc
          .tuple(address, fc.boolean())
          .map(([at, nomatch]) => ({ kind: "entry" as const, address: at, nomatch })),
      ),
    }),
  );
  const file = fc.array(section).map((sections) => ({ sections }));

  test("reading what was printed gives the file", () => {
    fc.assert(
      fc.property(file, (each) => void expect(withoutRaw(parseFirewall(printFirewall(each)))).toEqual(each)),
    );
  });

  test("a change touches what it is about and nothing else", () => {
    fc.assert(
      fc.property(file, fc.array(rule), (each, rules) => {
        const changed = withGroups(withOption(each, "enable", "1"), new Map([["phx-lxc-1", { rules }]]));
        expect(optionOf(changed, "enable")).toBe("1");
        expect(groupsOf(changed).get("phx-lxc-1")).toEqual(rules);
        expect(rulesOf(changed)).toEqual(rulesOf(each));
        const back = withGroups(
          withOption(changed, "enable", undefined),
          new Map([["phx-lxc-1", undefined]]),
        );
        expect(printFirewall(back)).toBe(printFirewall(each));
      }),
    );
  });

  test("rules of ours are replaced where they were, and foreign ones keep their order", () => {
    const ours = ({ comment: text }: FwRule): boolean => text === "ours";
    const mixed = fc.array(
      fc.tuple(rule, fc.boolean()).map(([each, own]) => ({ ...each, comment: own ? "ours" : "theirs" })),
    );
    fc.assert(
      fc.property(mixed, fc.array(rule.map((each) => ({ ...each, comment: "ours" }))), (before, next) => {
        const lines = before.map((each) => ({ kind: "rule" as const, rule: each }));
        const changed = withRules({ sections: [{ kind: "rules", lines }] }, ours, next);
        expect(rulesOf(changed).filter(ours)).toEqual(next);
        expect(rulesOf(changed).filter((each) => !ours(each))).toEqual(before.filter((each) => !ours(each)));
      }),
    );
  });
});
