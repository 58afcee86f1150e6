/** The rules of the house, read off the sources: who may import whom, how long a file may be, where secrets come out. */
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  importCycles,
  labImports,
  longFiles,
  longFunctions,
  oracleImports,
  oraclesIn,
  type SourceFile,
  sourceFile,
  sourceFiles,
} from "./architecture.ts";

const root = join(import.meta.dirname, "..");
const files = sourceFiles(root);
const limits = { file: 350, function: 60 } as const;

/** The words that every part shares: plain data, interfaces and errors. They import nothing but each other. */
const vocabulary = [
  "resource.ts",
  "swarm-node.ts",
  "certificate.ts",
  "cluster.ts",
  "external-portainer.ts",
  "firewall.ts",
  "unattended-settings.ts",
  "model.ts",
  "notice.ts",
  "component.ts",
  "origin.ts",
  "event.ts",
  "errors.ts",
  "secret.ts",
  "defined.ts",
  "impact.ts",
  "poll.ts",
  "problem.ts",
  "option-names.ts",
  "redaction.ts",
  "secret-spans.ts",
  "sensitive.ts",
  "unseen.ts",
  "fingerprint.ts",
  "kept-site.ts",
  "hosts/host.ts",
  "hosts/script.ts",
  "hosts/network.ts",
  "hosts/world.ts",
  "apis/apis.ts",
  "apis/portainer/index.ts",
  "apis/portainer/swarm.ts",
  "apis/step-ca/index.ts",
  "engine/plan.ts",
  "lab/context.ts",
];

const isNode = (name: string): boolean => name.startsWith("node:");
const isPackage = (name: string): boolean => !isNode(name) && !/\.(?:tsx?|json)$/.test(name);
const within =
  (...folders: readonly string[]) =>
  (name: string): boolean =>
    /\.tsx?$/.test(name) && folders.some((folder) => name.startsWith(`${folder}/`));
const isVocabulary = (name: string): boolean =>
  within("problem-codes")(name) || (vocabulary.includes(name) && name !== "lab/context.ts");

type Allowed = (imported: string) => boolean;

/** What the files of a folder may import besides the vocabulary. The first that fits a file decides. */
const rules: readonly (readonly [where: (path: string) => boolean, allowed: Allowed])[] = [
  [(path) => path === "secret.ts", (name) => name === "node:util"],
  [(path) => vocabulary.includes(path) || within("problem-codes")(path), () => false],
  [(path) => path === "main.ts", (name) => isNode(name) || within("cli")(name)],
  [within("cli"), () => true],
  [within("accept"), within("accept", "site", "components", "fabric", "formats")],
  [
    within("formats"),
    (name) =>
      isPackage(name) ||
      name === "node:crypto" ||
      within("formats")(name) ||
      /^formats\/.*\.json$/.test(name),
  ],
  [within("hosts"), (name) => isPackage(name) || isNode(name) || within("hosts", "formats")(name)],
  [within("apis"), (name) => isPackage(name) || isNode(name) || within("apis", "formats")(name)],
  [
    within("journal"),
    (name) => isPackage(name) || isNode(name) || within("journal", "hosts", "formats")(name),
  ],
  [within("notices"), within("notices", "journal", "fabric", "formats")],
  [within("history"), within("history", "journal")],
  [(path) => path === "components/index.ts", within("components")],
  [(path) => path === "components/resources.ts", within("formats")],
  [(path) => path === "components/nodes.ts", within("fabric")],
  [
    within("doctor"),
    (name) =>
      isPackage(name) ||
      within("doctor", "fabric", "formats", "components/foreign")(name) ||
      /^components\/[\w-]+\/(?:index|compile|static|interfaces|owners|consumer)\.ts$/.test(name),
  ],
  [
    (path) => path === "components/origins.ts",
    (name) => name === "components/parts.ts" || /^components\/[\w-]+\/origins\.ts$/.test(name),
  ],
  [
    within("why"),
    (name) =>
      within("why", "fabric", "formats", "site")(name) ||
      ["components/origins.ts", "components/parts.ts"].includes(name),
  ],
  [
    within("trace"),
    (name) =>
      within("trace", "fabric", "formats")(name) ||
      name === "render/words.ts" ||
      /^components\/(?:dns|firewall|keepalived|nginx|portainer|traefik)\//.test(name),
  ],
  [within("engine"), (name) => name === "node:crypto" || within("engine")(name)],
  [
    within("render"),
    (name) =>
      isPackage(name) ||
      within("render")(name) ||
      ["engine/explained.ts", "components/index.ts"].includes(name),
  ],
  // The page runs in browsers: nothing of Node.
  [
    within("dashboard/page"),
    (name) =>
      isPackage(name) ||
      within("dashboard/page")(name) ||
      ["render/words.ts", "render/output-dashboard.ts"].includes(name),
  ],
  [
    within("dashboard"),
    (name) => isNode(name) || within("dashboard", "render", "fabric", "formats", "journal")(name),
  ],
  [within("site"), (name) => isPackage(name) || isNode(name) || within("site", "fabric", "formats")(name)],
  [within("init"), within("init", "import", "site", "fabric", "formats")],
  [within("unattended"), (name) => isNode(name) || within("unattended", "hosts", "formats")(name)],
  [within("fabric"), within("fabric", "formats")],
  [
    within("import"),
    (name) =>
      isPackage(name) ||
      isNode(name) ||
      within("import", "site", "components", "fabric", "formats", "hosts", "apis")(name),
  ],
  [
    within("lab"),
    (name) => name === "lab/context.ts" || !within("components", "engine", "cli", "render", "journal")(name),
  ],
];

/** No format knows a Site: of the vocabulary it has only these. */
const vocabularyOfFormats = ["defined.ts", "resource.ts", "swarm-node.ts", "hosts/host.ts"];

function isAllowed(path: string, imported: string): boolean {
  if (isVocabulary(imported)) return !within("formats")(path) || vocabularyOfFormats.includes(imported);
  const component = /^components\/([^/]+)\//.exec(path)?.[1];
  if (component !== undefined)
    return (
      isPackage(imported) ||
      within(`components/${component}`, "components/foreign", "formats", "fabric")(imported) ||
      ["components/resources.ts", "components/nodes.ts"].includes(imported)
    );
  const rule = rules.find(([where]) => where(path));
  return rule?.[1](imported) ?? false;
}

/** "path:line" of every match. */
function matches(pattern: RegExp, where: (path: string) => boolean): readonly string[] {
  return files
    .filter(({ path }) => where(path))
    .flatMap(({ path, text }) =>
      text
        .split("\n")
        .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
    );
}

const anywhere = (): boolean => true;

describe("imports", () => {
  test("are found at all", () => {
    expect(files.find(({ path }) => path === "engine/sync.ts")?.imports).toContain("engine/order.ts");
    expect(files.find(({ path }) => path === "cli/session.ts")?.imports).toContain("components/index.ts");
  });

  test("every file imports only what its folder may", () => {
    const broken = files.flatMap(({ path, imports }) =>
      imports
        .filter((imported) => !isAllowed(path, imported))
        .map((imported) => `${path} imports ${imported}`),
    );
    expect(broken).toEqual([]);
  });

  test("one file of the product imports the lab, by its public face", () => {
    expect(labImports(files)).toEqual([]);
  });

  test("an oracle of the lab imports nothing of the product but the vocabulary", () => {
    const oracles = oraclesIn(readFileSync(join(root, "lab/README.md"), "utf8"));
    expect(oracles).toContain("lab/traefik/");
    expect(oracles.filter((oracle) => !files.some(({ path }) => path.startsWith(oracle)))).toEqual([]);
    expect(oracleImports(files, oracles)).toEqual([]);
  });

  test("no files import each other", () => {
    expect(importCycles(files)).toEqual([]);
  });

  test("a format knows no site", () => {
    const broken = files.filter(
      ({ path, imports }) => within("formats")(path) && imports.includes("model.ts"),
    );
    expect(broken.map(({ path }) => path)).toEqual([]);
  });

  test("Node's own modules are named with node:, own files with their ending", () => {
    const broken = files.flatMap(({ path, imports }) =>
      imports
        .filter((name) => builtinModules.includes(name) || (/^[./]/.test(name) && !/\.tsx?$/.test(name)))
        .map((name) => `${path} imports ${name}`),
    );
    expect(broken).toEqual([]);
  });

  test("every package that is imported is a dependency", () => {
    for (const [isOurs, path] of [
      [(name: string) => !within("lab")(name), "package.json"],
      [within("lab"), "lab/package.json"],
    ] as const) {
      const { dependencies } = JSON.parse(readFileSync(join(root, path), "utf8"));
      const ours = files.filter((file) => isOurs(file.path));
      const packages = new Set(ours.flatMap(({ imports }) => imports.filter(isPackage)));
      const names = [...packages].map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/"));
      expect([...new Set(names)].sort(), path).toEqual(Object.keys(dependencies).sort());
    }
  });
});

describe("the engine", () => {
  test("knows no component by name", () => {
    const name = /["'`](?:trust|dns|firewall|certificates|portainer|traefik|nginx|stacks)["'`]/;
    expect(matches(name, within("engine"))).toEqual([]);
  });
});

describe("the process", () => {
  test("ends in one place, and one place writes to it", () => {
    expect(
      matches(
        /\bconsole\.[a-z]+\(|\bprocess\.(?:exit|exitCode|stdout|stderr)\b/,
        (path) => path !== "main.ts",
      ),
    ).toEqual([]);
  });

  test("shells are never given configured text: no exec by string, no eval", () => {
    expect(matches(/\b(?:execSync|eval)\(|new Function\(/, anywhere)).toEqual([]);
    expect(matches(/\bshell:\s*true\b/, (path) => !within("formats")(path))).toEqual([]);
  });
});

describe("files", () => {
  test(`no file is longer than ${limits.file} lines, no function longer than ${limits.function}`, () => {
    expect(longFiles(files, limits.file)).toEqual([]);
    expect(longFunctions(files, limits.function)).toEqual([]);
  });

  test("names say what is in them, in kebab-case", () => {
    const vague = /(?:^|[/-])(?:manager|handler|processor|utils?|helpers?|common|misc|data|info)s?(?:[-.]|$)/;
    expect(
      files.filter(({ path }) => vague.test(path) || /[^a-z0-9./-]/.test(path)).map(({ path }) => path),
    ).toEqual([]);
  });

  test("nothing is exported by default, no enum, nothing left to do", () => {
    expect(matches(/^export default\b|^(?:export )?(?:const )?enum\b/, anywhere)).toEqual([]);
    expect(matches(/\b(?:TODO|FIXME|XXX|HACK)\b/, anywhere)).toEqual([]);
  });

  test("each begins by saying what it is for", () => {
    const silent = files.filter(({ text }) => !/^\/\*\*/.test(text)).map(({ path }) => path);
    expect(silent).toEqual([]);
  });
});

describe("secrets", () => {
  /** Where a secret's value may come out: on its way into standard input, a file or a request's body, or to be looked for. */
  const revealing: readonly string[] = [
    "apis/portainer/client.ts",
    "apis/portainer/registries.ts",
    "apis/portainer/session.ts",
    "apis/portainer/swarm-calls.ts",
    "apis/step-ca/token.ts",
    "components/certificates/apply.ts",
    "components/portainer/secrets.ts",
    "components/stacks/apply.ts",
    "components/stacks/compile.ts",
    "components/stacks/swarm/apply.ts",
    "components/stacks/swarm/compile.ts",
    // Counts the lines of a file, which is never shown.
    "components/stacks/file-origins.ts",
    "fabric/containers-at.ts",
    "fabric/swarm-compose.ts",
    "fingerprint.ts",
    "import/stacks/variables.ts",
    // Encrypts.
    "journal/seal.ts",
    "notices/requests.ts",
    "redaction.ts",
    // Gives a mounted file back its content.
    "site/kept.ts",
    "site/notices.ts",
    "site/stacks/index.ts",
    "lab/existing-portainer.ts",
  ];

  test("come out only where they leave for their destination", () => {
    const found = new Set(matches(/\.reveal\(\)/, anywhere).map((match) => match.split(":", 1)[0] ?? ""));
    expect([...found].filter((path) => !revealing.includes(path))).toEqual([]);
    expect(
      revealing.filter((path) => !found.has(path)),
      "listed, but reveals nothing any more",
    ).toEqual([]);
  });
});

describe("a planted violation is found", () => {
  const planted = (path: string, text: string): readonly SourceFile[] => [
    ...files,
    sourceFile(path, `/** Planted. */\n${text}`),
  ];

  test.each([
    ['import type { Component } from "../component.ts";', "engine/planted.ts > component.ts"],
    ['export const later = () => import("../component.ts");', "engine/planted.ts > component.ts"],
  ])("an import cycle: %s", (text, cycle) => {
    const other = sourceFile("src/component.ts", 'import type { Planted } from "./engine/planted.ts";');
    const all = [...planted("src/engine/planted.ts", text).filter(({ path }) => path !== other.path), other];
    expect(importCycles(all).some((found) => found.includes(cycle))).toBe(true);
  });

  test.each([
    'import { breakLab } from "../../lab/index.ts";',
    'import type { LabFacts } from "../../lab/facts.ts";',
    'export const lab = () => import("../../lab/index.ts");',
    'export type Lab = typeof import("../../lab/index.ts");',
  ])("an import of the lab: %s", (text) => {
    expect(labImports(planted("src/engine/planted.ts", text))).toHaveLength(1);
  });

  test("an oracle that asks the product", () => {
    const text = 'import { parseRule } from "../../src/formats/traefik/rule.ts";';
    expect(oracleImports(planted("lab/traefik/planted.ts", text), ["lab/traefik/"])).toEqual([
      "lab/traefik/planted.ts imports formats/traefik/rule.ts",
    ]);
  });

  test.each([
    ["function planted() {", "planted"],
    ["const planted = () => {", "planted"],
    ["class Planted { method() {", "method"],
  ])("a function that is too long: %s", (head, name) => {
    const text = `${head}\n${"f();\n".repeat(limits.function)}}${head.startsWith("class") ? "}" : ""}`;
    expect(longFunctions([sourceFile("src/engine/planted.ts", text)], limits.function)).toEqual([
      `engine/planted.ts: ${name}`,
    ]);
  });

  test("a file that is too long", () => {
    expect(longFiles([sourceFile("src/planted.ts", "\n".repeat(limits.file + 1))], limits.file)).toHaveLength(
      1,
    );
  });
});
