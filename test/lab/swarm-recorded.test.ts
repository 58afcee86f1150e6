/** The lab's Swarm answers every recorded request and deploys every recorded stack file as Docker 26.1.5 does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Ask, deployStack, removeStack } from "../../lab/docker/stack/deploy.ts";
import { readCases } from "../../script/record/cases.mjs";
import { normal, parseCall, withoutProgress } from "../../script/record/swarm-answers.mjs";
import { type SwarmLab, threeMembers } from "./swarm.ts";

const directory = join(import.meta.dirname, "../cases/recorded/swarm");
const cases = readCases(join(directory, "cases"), "main");
const { answers } = JSON.parse(readFileSync(join(directory, "recorded-26.1.5.json"), "utf8")) as {
  answers: Record<string, unknown>;
};

let lab: SwarmLab;
const ask: Ask = (method, path, body) => lab.ask("one", `${method} ${path}`, body);

beforeAll(async () => {
  lab = await threeMembers();
  await ask("POST", "/configs/create", { Name: "c_123", Data: "eA==" });
  await ask("POST", "/secrets/create", { Name: "s_123", Data: "eA==" });
});

afterAll(() => lab.context.close());

describe("requests to a manager", () => {
  for (const { name, files } of cases.filter((each) => each.name.startsWith("calls/")))
    test(name, async () => {
      const recorded = answers[name] as readonly unknown[];
      const lines = (files.main ?? "").split("\n").filter((line) => line !== "");
      let last = {};
      for (const [at, line] of lines.entries()) {
        const { method, path, body } = parseCall(line, last);
        const answer = await ask(method, path, body === undefined ? undefined : JSON.parse(body));
        const said = answer.body as { ID?: string } | undefined;
        if (said?.ID !== undefined) last = said;
        expect(normal(answer), line).toEqual(recorded[at]);
        lab.context.advance(1_000);
      }
    });
});

describe("stack files", () => {
  afterEach(async () => {
    await removeStack(ask, "rec");
    lab.context.advance(5_000);
    await removeStack(ask, "rec");
  });

  for (const { name, files } of cases.filter((each) => each.name.startsWith("stacks/")))
    test(name, async () => {
      const { exitCode, stderr } = await deployStack(ask, {
        ...{ name: "rec", text: files.main ?? "", directory: "/tmp", variables: {}, prune: false },
        ...{ resolveImages: false, isKnownImage: () => true, readFile: () => undefined },
      });
      const filters = encodeURIComponent(JSON.stringify({ label: ["com.docker.stack.namespace=rec"] }));
      const { body } = await ask("GET", `/services?filters=${filters}`);
      const specs = (body as { Spec: { Name: string } }[])
        .map(({ Spec }) => Spec)
        .sort((a, b) => (a.Name < b.Name ? -1 : 1));
      const mine = normal({ exitCode, stderr: withoutProgress(stderr.join("\n")), specs });
      expect(withoutLine(mine)).toEqual(withoutLine(answers[name]));
    });
});

/** Which line a YAML error is on is each parser's own opinion. */
function withoutLine(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer).replace(/yaml: line \d+/, "yaml: line"));
}
