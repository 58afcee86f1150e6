/** Which foreign rule leaves ours without effect. */
import { expect, test } from "vitest";
import { groupsOf, parseFirewall, rulesOf } from "../../src/formats/pve-firewall/index.ts";
import { type FwRule, printBare } from "../../src/formats/pve-firewall/rule.ts";
import { catchAll, shadows } from "../../src/formats/pve-firewall/shadow.ts";

const isOurs = ({ action, comment }: FwRule): boolean => action.startsWith("phx-") || comment === "ours";

const groups = groupsOf(
  parseFirewall("[group phx-in]\nIN ACCEPT -p tcp -dport 80\n[group phx-out]\nOUT ACCEPT -p tcp -dport 80\n"),
);

test.each([
  ["OUT DROP", "GROUP phx-out", "OUT DROP"],
  ["OUT DROP", "GROUP phx-in", undefined],
  ["IN DROP", "GROUP phx-out", undefined],
  ["OUT REJECT", "OUT ACCEPT -p udp -dport 53 # ours", "OUT REJECT"],
])("%s ends what is behind it in its direction: %s", (foreign, ours, end) => {
  const rules = rulesOf(parseFirewall(`[RULES]\n${foreign}\n${ours}\n`));
  const found = catchAll(rules, isOurs, rules.filter(isOurs), groups);
  expect(found && printBare(found)).toBe(end);
});

test.each([
  ["IN DROP -p tcp\nIN ACCEPT -p tcp -dport 22 # ours", ["IN DROP -p tcp"]],
  ["IN ACCEPT -p tcp -dport 22\nIN DROP\nIN ACCEPT -p tcp -dport 22 # ours", []],
  ["IN ACCEPT\nIN DROP -p tcp -dport 9 # ours", ["IN ACCEPT"]],
  ["IN DROP -source 10.0.0.66\nIN ACCEPT -p tcp -dport 22 # ours", []],
  ["IN ACCEPT -p tcp -dport 22 # ours\nIN DROP", []],
])("who decides otherwise about all of a rule: %j", (text, by) => {
  const found = shadows(rulesOf(parseFirewall(`[RULES]\n${text}\n`)), isOurs, groups);
  expect(found.map((each) => printBare(each.by))).toEqual(by);
});
