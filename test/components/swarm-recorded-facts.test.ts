/** What a plan compares of a Swarm's service is the same in a stack's file and in what Docker 26.1.5 made of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCases } from "../../script/record/cases.mjs";
import { swarmCalls } from "../../src/apis/portainer/swarm-calls.ts";
import { mismatch } from "../../src/components/stacks/swarm/facts.ts";
import { swarmServices } from "../../src/formats/compose/swarm/services.ts";

const directory = join(import.meta.dirname, "../cases/recorded/swarm");
const { answers } = JSON.parse(readFileSync(join(directory, "recorded-26.1.5.json"), "utf8")) as {
  readonly answers: Record<
    string,
    { readonly exitCode: number; readonly specs: readonly { readonly Name: string }[] }
  >;
};
/** Those that Docker took and a site may have: with services, and without a key that is there twice. */
const deployed = readCases(join(directory, "cases"), "main")
  .filter(({ name }) => name.startsWith("stacks/") && answers[name]?.exitCode === 0)
  .map(({ name, files }) => ({ name, declared: swarmServices(files.main ?? "", new Map(), "rec") ?? [] }))
  .filter(({ declared }) => declared.length > 0);

describe("a stack that has just been deployed is as declared", () => {
  test("and there are many of them", () => expect(deployed.length).toBeGreaterThan(40));

  test.each(deployed)("$name", async ({ name, declared }) => {
    const specs = answers[name]?.specs ?? [];
    const text = JSON.stringify(specs.map((Spec) => ({ ID: Spec.Name, Spec })));
    const live = await swarmCalls({ get: async () => ({ text }) } as never).services(1, "rec");
    for (const spec of declared) {
      const service = live.find((each) => each.name === `rec_${spec.name}`);
      expect(service === undefined ? "not there" : mismatch(spec, service)).toBeUndefined();
    }
  });
});
