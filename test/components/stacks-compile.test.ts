/** Where the files of stacks lie on the share, and how stacks are told from each other. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { envValue, targetsOf } from "../../src/components/stacks/compile.ts";
import { parseEnvFile } from "../../src/formats/compose/env-file.ts";
import { Secret } from "../../src/secret.ts";
import { stack, withStacks } from "../lab/stacks-site.ts";

const from = { file: "stacks/app/phoenix.json", line: 3, column: 5 };

test("a file keeps its place below the stack's directory, where the compose file finds it", () => {
  const app = stack("app", 'services:\n  web:\n    image: nginx:1\n    env_file: ["./conf/web.env"]\n', {
    files: [
      {
        content: new Secret("GREETING=hello\n"),
        source: "stacks/app/conf/web.env",
        destination: "/run/web.env",
        from,
      },
      { content: new Secret("shared\n"), source: "etc/shared.txt", destination: "/run/shared.txt", from },
    ],
  });
  const [target] = targetsOf(withStacks(app));
  expect(target?.prepared.faults).toEqual([]);
  expect([...(target?.files.keys() ?? [])]).toEqual(["docker-compose.yml", "conf/web.env", "etc/shared.txt"]);
  expect(target?.prepared.text).toContain("GREETING: hello");
  expect(target?.prepared.text).toContain("/persistent-storage/stacks/app/conf/web.env");
  expect(target?.resource.from?.["file conf/web.env"]).toEqual(from);
});

test("two environments of one stack on one machine have their own names and directories", () => {
  const text = "services:\n  web:\n    image: nginx:1\n    volumes: [./site:/site]\n";
  const testing = { project: "app-testing", environment: "testing" };
  const targets = targetsOf(withStacks(stack("app", text), stack("app", text, testing)));
  expect(targets.map(({ id }) => id)).toEqual(["stacks/app@drphoenix", "stacks/app-testing@drphoenix"]);
  expect(targets.map(({ share }) => share.path.split("/").at(-1))).toEqual(["app", "app-testing"]);
  expect(targets.map(({ prepared }) => /\/persistent-storage\/\S+:\/site/.exec(prepared.text)?.[0])).toEqual([
    "/persistent-storage/stacks/app/site:/site",
    "/persistent-storage/stacks/app-testing/site:/site",
  ]);
});

test("whatever is in a variable's value, Compose reads it as it was declared", () => {
  const awkward = fc.string({
    unit: fc.constantFrom("a", " ", "'", '"', "\\", "$", "`", "#", "=", "{", "}", "\n", "\r", "\t", "%", "é"),
    maxLength: 12,
  });
  fc.assert(
    fc.property(awkward, (value) => {
      expect(
        Object.fromEntries(parseEnvFile(`BEFORE=1\nX=${envValue(value)}\nAFTER=2\n`, new Map())),
      ).toEqual({
        BEFORE: "1",
        X: value,
        AFTER: "2",
      });
    }),
    { numRuns: 2_000 },
  );
});
