/** The index against the list it stands for: whatever the rules and the packet, the same rule decides. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressNumber, addressRange } from "../../src/formats/ipv4/index.ts";
import { covers } from "../../src/formats/pve-firewall/cover.ts";
import { firstMatch } from "../../src/formats/pve-firewall/decide.ts";
import type { Packet } from "../../src/formats/pve-firewall/match.ts";
import type { Names } from "../../src/formats/pve-firewall/names.ts";
import type { FwRule } from "../../src/formats/pve-firewall/rule.ts";
import { coveredBy, firstMatchIn, indexRules } from "../../src/formats/pve-firewall/rule-index.ts";

// Few of each, so that rules and packets meet.
const addresses = [
  "10.0.0.1",
  "10.0.0.2",
  "10.0.0.1/32",
  "10.0.0.2-10.0.0.2",
  "10.0.0.0/24",
  "10.0.0.1,10.0.0.3",
  "10.0.0.1-10.0.0.3",
  "+some",
  "+unknown",
  "dc/one",
  "two",
  "not an address",
  "2001:db8::1",
];
const address = fc.option(fc.constantFrom(...addresses), { nil: undefined });

const rule: fc.Arbitrary<FwRule> = fc
  .record({
    enabled: fc.boolean(),
    type: fc.constantFrom("IN" as const, "OUT" as const, "GROUP" as const),
    action: fc.constantFrom("ACCEPT", "DROP", "REJECT", "some"),
    source: address,
    dest: address,
    macro: fc.constantFrom(undefined, undefined, "SSH", "ssh", "Ping", "NoSuchMacro"),
    proto: fc.constantFrom(undefined, "tcp", "udp"),
    dport: fc.constantFrom(undefined, "22", "ssh", "22:22", "22,ssh", "1:1024", "80,443", "nonsense"),
    sport: fc.constantFrom(undefined, undefined, undefined, "1024"),
  })
  .map((members) => {
    const given = Object.entries(members).filter(([, value]) => value !== undefined);
    return Object.fromEntries(given) as unknown as FwRule;
  });

const packet: fc.Arbitrary<Packet> = fc
  .record({
    direction: fc.constantFrom("IN" as const, "OUT" as const),
    source: address,
    dest: address,
    port: fc.constantFrom(22, 80, 9000, undefined),
  })
  .map(({ direction, source, dest, port }) => ({
    direction,
    protocol: "tcp",
    ...(port === undefined ? {} : { port }),
    ...(source === undefined ? {} : { source }),
    ...(dest === undefined ? {} : { dest }),
  }));

const names: Names = {
  aliases: new Map([["one", "10.0.0.1"]]),
  ipsets: new Map([["some", [{ address: "10.0.0.2", nomatch: false }]]]),
  groups: new Map([["some", [{ enabled: true, type: "IN", action: "DROP", source: "10.0.0.1" }]]]),
};

test("the same rule decides, for every list and every packet", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 40 }), fc.array(packet, { minLength: 1 }), (rules, packets) => {
      const index = indexRules(rules);
      for (const each of packets) {
        const wanted = firstMatch(rules, each, names);
        const found = firstMatchIn(index, each, names);
        expect(found?.action).toBe(wanted?.action);
        expect(found?.rule).toBe(wanted?.rule);
      }
    }),
    { numRuns: 500 },
  );
});

test("the same earlier rule covers, for every list", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 60 }), (rules) => {
      const found = coveredBy(rules);
      rules.forEach((later, at) => {
        expect(found.get(later)).toBe(rules.slice(0, at).find((earlier) => covers(earlier, later)));
      });
    }),
    { numRuns: 500 },
  );
});

describe("addresses", () => {
  test.each([
    ["0.0.0.0", 0],
    ["10.0.0.13", 0x0a00000d],
    ["255.255.255.255", 0xffffffff],
  ])("%s is a number", (text, number) => {
    expect(addressNumber(text)).toBe(number);
    expect(addressRange(text)).toEqual({ first: number, last: number });
  });

  test.each([
    "",
    ".",
    "1.2.3",
    "1.2.3.",
    ".1.2.3",
    "1..2.3",
    "1.2.3.4.",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.1000",
  ])("%j is none", (text) => {
    expect(addressNumber(text)).toBeUndefined();
  });

  test.each([
    "01.2.3.4",
    "1.2.3.00",
    "1.2.3.-4",
    "+1.2.3.4",
    "1.2.3.4 ",
    "a.b.c.d",
    "1.2.3.4/24",
    "１.2.3.4",
  ])("%j is none either", (text) => {
    expect(addressNumber(text)).toBeUndefined();
  });
});
