import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type Place, readCompose } from "../../src/formats/compose/index.ts";
import { type PrepareOptions, preparedCompose } from "../../src/formats/compose/prepare.ts";
import type { FaultAt } from "../../src/formats/fault.ts";

const none = new Map<string, string>();
const cases = join(import.meta.dirname, "../cases/compose");

interface CaseOptions {
  readonly variables: Record<string, string>;
  readonly labels: Record<string, [string, string][]>;
  readonly files: Record<string, { content: string; destination: string }>;
}

function optionsOf({ variables, labels, files }: CaseOptions): PrepareOptions {
  return {
    variables: new Map(Object.entries(variables)),
    labels: new Map(
      Object.entries(labels).map(([name, pairs]) => [name, pairs.map(([key, value]) => ({ key, value }))]),
    ),
    directory: "/persistent-storage/stacks/app",
    files: new Map(Object.entries(files)),
  };
}

const lineOf = ({ message, place, hint, severity = "error" }: FaultAt<Place>): string =>
  `${place.line}:${place.column}${place.endColumn === undefined ? "" : `-${place.endColumn}`}: ${severity}: ${message}${hint === undefined ? "" : `\n  ${hint}`}\n`;

describe("the file that is sent", () => {
  test.each(readdirSync(cases))("%s", async (name) => {
    const directory = join(cases, name);
    const text = readFileSync(join(directory, "docker-compose.yml"), "utf8");
    const options = optionsOf(JSON.parse(readFileSync(join(directory, "options.json"), "utf8")));
    const { text: prepared, faults } = preparedCompose(text, options);
    await expect(prepared).toMatchFileSnapshot(join(directory, "prepared.yml"));
    await expect(faults.map(lineOf).join("")).toMatchFileSnapshot(join(directory, "faults.txt"));
    expect(preparedCompose(prepared, options).text, "preparing it again changes nothing").toBe(prepared);
  });

  test("says the same with and without comments, and keeps them", () => {
    const options = optionsOf({ variables: {}, labels: { a: [["x", "y"]] }, files: {} });
    const bare = "services:\n  a:\n    image: b\n";
    const told = "# top\nservices:\n  # of a\n  a:\n    image: b # which\n";
    const [first, second] = [preparedCompose(bare, options).text, preparedCompose(told, options).text];
    expect(parse(first)).toEqual(parse(second));
    for (const words of ["# top", "# of a", "# which"]) expect(second).toContain(words);
  });

  test("a service that mounts a file by a path with variables gets the file's fingerprint at once", () => {
    const text = "services:\n  a:\n    image: b\n    volumes: ['./${X}.conf:/etc/x']\n";
    const files = { "v.conf": { content: "c", destination: "" } };
    const options = optionsOf({ variables: { X: "v" }, labels: {}, files });
    const { text: once } = preparedCompose(text, options);
    expect(once).toContain("phoenix.files:");
    expect(preparedCompose(once, options).text).toBe(once);
  });

  test.each(["A=${SECRET", "A='SECRET", "A B=SECRET"])("never quotes an environment file: %s", (content) => {
    const text = "services:\n  a:\n    image: b\n    env_file: x.env\n";
    const files = { "x.env": { content, destination: "" } };
    const { faults } = preparedCompose(text, optionsOf({ variables: {}, labels: {}, files }));
    expect(faults).toHaveLength(1);
    expect(faults[0]?.message).toMatch(/^x\.env: /);
    expect(faults[0]?.message).not.toContain("SECRET");
  });

  const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const value = fc.oneof(
    fc.string().map((text) => text.replaceAll("$", "$$$$")),
    fc.constantFrom(
      "true",
      "1",
      "null",
      "Host(`a.b`) && PathPrefix(`/x`)",
      "a: b",
      "- a",
      "# a",
      "",
      " ",
      "$$x",
    ),
  );
  const labels = fc.oneof(
    fc.dictionary(word, value, { maxKeys: 4 }),
    fc
      .uniqueArray(fc.tuple(word, value), { selector: ([key]) => key, maxLength: 4 })
      .map((pairs) => pairs.map(([key, each]) => `${key}=${each}`)),
  );
  const service = fc.record(
    {
      image: word,
      labels,
      environment: fc.dictionary(word, value, { maxKeys: 3 }),
      volumes: fc.array(fc.constantFrom("./a:/a", "/abs:/b", "../x:/c", "./d/../e:/e", "/only"), {
        maxLength: 3,
      }),
    },
    { requiredKeys: ["image"] },
  );
  const file = fc.record({ services: fc.dictionary(word, service, { minKeys: 1, maxKeys: 4 }) });
  const injected = fc.uniqueArray(fc.tuple(word, value), { selector: ([key]) => key, maxLength: 4 });

  test("is stable, deterministic, and holds exactly the labels that were put in besides its own", () => {
    fc.assert(
      fc.property(file, injected, (content, pairs) => {
        const text = stringify(content);
        const names = Object.keys(content.services);
        const options = optionsOf({ variables: {}, labels: { [names[0] ?? ""]: pairs }, files: {} });
        const { text: once } = preparedCompose(text, options);
        expect(preparedCompose(text, options).text).toBe(once);
        expect(preparedCompose(once, options).text).toBe(once);
        const [before, after] = [readCompose(text, none).compose, readCompose(once, none).compose];
        for (const [at, each] of (before?.services ?? []).entries()) {
          const expected = new Map(each.labels.map(({ key, value: own }) => [key, own]));
          if (at === 0) for (const [key, own] of pairs) expected.set(key, own.replaceAll("$$", "$"));
          const found = new Map(after?.services[at]?.labels.map(({ key, value: own }) => [key, own]));
          expect(found).toEqual(expected);
          expect(after?.services[at]?.image).toBe(each.image);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("reading never throws, whatever the text", () => {
    const piece = fc.constantFrom(
      "services:",
      "\n",
      "  ",
      "- ",
      "a",
      ":",
      " ",
      "*a",
      "&a ",
      "<<: ",
      "${",
      "}",
      "[",
      "{",
      '"',
      "# x",
      "\t",
      "|",
      "null",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        expect(Array.isArray(readCompose(text, none).faults)).toBe(true);
        expect(typeof preparedCompose(text, optionsOf({ variables: {}, labels: {}, files: {} })).text).toBe(
          "string",
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("reading", () => {
  const portsOf = (ports: string) =>
    readCompose(`services:\n  a:\n    image: b\n    ports: ${ports}\n`, new Map([["P", "8080"]]), "p");

  test.each([
    ['["80"]', [{ target: 80, protocol: "tcp" }]],
    ['["8080:80"]', [{ target: 80, published: 8080, protocol: "tcp" }]],
    ['["${P}:80/udp"]', [{ target: 80, published: 8080, protocol: "udp" }]],
    ['["10.0.0.9:1:2"]', [{ target: 2, published: 1, hostIp: "10.0.0.9", protocol: "tcp" }]],
    ['["[::1]:1:2"]', [{ target: 2, published: 1, hostIp: "::1", protocol: "tcp" }]],
    ['["0.0.0.0:1:2"]', [{ target: 2, published: 1, protocol: "tcp" }]],
    [
      '["8000-8001:90-91"]',
      [
        { target: 90, published: 8000, protocol: "tcp" },
        { target: 91, published: 8001, protocol: "tcp" },
      ],
    ],
    ['["8000-8001:90"]', [{ target: 90, protocol: "tcp" }]],
    [
      "[{target: 80, published: '81', host_ip: 127.0.0.1}]",
      [{ target: 80, published: 81, hostIp: "127.0.0.1", protocol: "tcp" }],
    ],
    ["[6333]", [{ target: 6333, protocol: "tcp" }]],
  ])("ports: %s", (text, expected) => {
    const { compose, faults } = portsOf(text);
    expect(faults).toEqual([]);
    expect(compose?.services[0]?.ports.map(({ place: _, ...port }) => port)).toEqual(expected);
  });

  test.each(['["a"]', '["1:2:3:x"]', '["8000-8002:90-91"]', '["70000"]', "[{target: x}]"])(
    "ports: %s is refused",
    (text) => {
      expect(portsOf(text).faults).toMatchObject([{ place: { line: 4 } }]);
    },
  );

  test("volumes have the names that Docker knows them by", () => {
    const text =
      "services:\n  a:\n    image: b\nvolumes:\n  own:\n  named: {name: nn}\n  ext: {external: true}\n  both: {external: true, name: xx}\n  old: {external: {name: oo}}\n";
    expect(
      readCompose(text, none, "p").compose?.volumes.map(({ name, external }) => [name, external]),
    ).toEqual([
      ["p_own", false],
      ["nn", false],
      ["ext", true],
      ["xx", true],
      ["oo", true],
    ]);
  });

  test("anchors and merges count as what they say", () => {
    const text = "x-a: &a\n  image: i\n  labels: {k: v}\nservices:\n  s:\n    <<: *a\n    restart: always\n";
    const { compose, faults } = readCompose(text, none);
    expect(faults).toEqual([]);
    expect(compose?.services[0]).toMatchObject({
      image: "i",
      restart: "always",
      labels: [{ key: "k", value: "v" }],
    });
  });

  test.each([
    ["", "is not a Compose file"],
    ["- a", "is not a Compose file"],
    ["a: [", "invalid YAML"],
    ["services: {}\n", "no services"],
    ["services:\n  a: text\n", "must be a mapping"],
  ])("%j is refused", (text, words) => {
    expect(readCompose(text, none).faults[0]?.message).toContain(words);
  });
});
