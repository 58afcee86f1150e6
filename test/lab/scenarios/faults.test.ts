/**
 * Everything that can be broken is broken, one at a time, while a sync has something to do in every component. It must
 * end with a named outcome, do what does not depend on the broken part, and make good the rest once that is mended.
 */
import pLimit from "p-limit";
import { afterAll, expect, test } from "vitest";
import { breakLab, mendLab } from "../../../lab/faults.ts";
import { setClockOffset } from "../../../lab/lab-file.ts";
import type { ErrorDocument, ResultDocument } from "../../../src/render/output-schemas.ts";
import { type FaultRow, rowsOf } from "./fault-rows.ts";
import { handsIn } from "./hands.ts";
import { copyOf, discard, syncedLab } from "./labs.ts";
import { complaints, syncAll } from "./phoenix.ts";
import { siteOf, small } from "./sites.ts";
import { work } from "./work.ts";

interface Ending {
  readonly code: number | null;
  /** An error when not even the lock could be taken: the hypervisor itself is broken. */
  readonly document: ResultDocument | ErrorDocument;
  readonly stderr: string;
  readonly mended: readonly string[];
}

const scenario = small();
const site = await siteOf(scenario);
const rows = rowsOf(site);
const drifted = await driftedLab();
/** Most of them only wait; more at a time would keep each other from answering in time. */
const limit = pLimit(6);
/** The hangs come first: they take longest, and the others pass beside them. */
const longestFirst = [...rows].sort((a, b) => Number(b.fault === "hang") - Number(a.fault === "hang"));
const ended = new Map(longestFirst.map((row) => [row, limit(() => ending(row))]));
const endings = rows.map((row) => ended.get(row));

async function driftedLab(): Promise<string> {
  const lab = await syncedLab(scenario);
  const hands = handsIn(lab);
  for (const make of Object.values(work)) await make(hands, site);
  // Servers that have run for hours are not waited for as those that have just been started.
  setClockOffset(lab, 3 * 3_600_000);
  return lab;
}

async function ending({ fault, target, value }: FaultRow): Promise<Ending> {
  const lab = copyOf(drifted);
  breakLab(lab, fault, target, value);
  const { code, document, stderr } = await syncAll(lab);
  mendLab(lab);
  const next = await syncAll(lab);
  discard(lab);
  const mended = [
    ...complaints(next.document),
    ...(next.code === 0 ? [] : [`the next sync ended with ${next.code}`]),
  ];
  return { code, document, stderr, mended };
}

test.each(rows.map((row, at) => ({ ...row, at })))(
  "$fault $target: a named outcome, and all is well when it is mended",
  { timeout: 400_000 },
  async ({ fault, target, at }) => {
    const { code, document, stderr, mended } = await (endings[at] as Promise<Ending>);
    expect(stderr).not.toMatch(/^\s+at /m);
    if ("components" in document) {
      expect(unnamed(document)).toEqual([]);
      if (fault === "slow") expect([code, complaints(document)]).toEqual([0, []]);
      expect(code).toBe(expectedCode(document));
    } else {
      expect(target).toBe("pve");
      expect(document).toMatchObject({ message: expect.stringMatching(/\w/), hint: expect.any(String) });
      expect(code).toBe(1);
    }
    expect(mended).toEqual([]);
  },
);

/** Which end is right is judged above; the whole is there to be read. */
afterAll(async () => {
  const lines = await Promise.all(
    rows.map(async (row, at) => lineOf(row, await (endings[at] as Promise<Ending>))),
  );
  process.stdout.write(`${[heading, ...lines].join("\n")}\n`);
}, 400_000);

/** Outcomes without a reason, reasons without words, failed checks without what was seen. */
function unnamed({ components }: ResultDocument): readonly string[] {
  return components.flatMap(({ component, outcome, reason = "", hint, checks }) => {
    const fine = outcome === "changed" || outcome === "unchanged";
    const found: string[] = [];
    if (!fine && reason.trim() === "") found.push(`${component} ${outcome} without a reason`);
    if ((outcome === "failed" || outcome === "rolled-back") && hint === undefined)
      found.push(`${component} ${outcome} without a hint: ${reason}`);
    for (const { claim, status, observed } of checks)
      if (status === "fail" && (observed ?? "") === "")
        found.push(`${component}: "${claim}" failed, and nothing was seen`);
    return found;
  });
}

/** The contract of the exit codes, said once more. */
function expectedCode({ components }: ResultDocument): number {
  const outcomes = components.map(({ outcome }) => outcome);
  if (outcomes.includes("rolled-back")) return 7;
  const bad = outcomes.filter((outcome) => outcome !== "changed" && outcome !== "unchanged");
  const inPlace = components.some(({ changes }) => changes.length > 0);
  if (bad.length > 0) return bad.length < outcomes.length || inPlace ? 4 : 1;
  return components.some(({ checks }) => checks.some(({ status }) => status === "fail")) ? 3 : 0;
}

const names = ["trust", "dns", "firewall", "certificates", "portainer", "traefik", "nginx", "stacks"];
const heading = ["fault".padEnd(28), "exit", ...names.map((name) => name.padEnd(12))].join("  ").trimEnd();

function lineOf({ fault, target }: FaultRow, { code, document }: Ending): string {
  const head = [`${fault} ${target}`.padEnd(28), String(code).padEnd(4)];
  if (!("components" in document)) return [...head, document.message].join("  ");
  const words = names.map((name) => {
    const found = document.components.find(({ component }) => component === name);
    const unproved = found?.checks.some(({ status }) => status === "fail") === true;
    return `${found?.outcome ?? "-"}${unproved ? " !" : ""}`.padEnd(12);
  });
  return [...head, ...words].join("  ").trimEnd();
}
