/** Checks of the sources: functions from a list of files to what breaks a rule, so that tests can plant a violation. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

export interface SourceFile {
  /** Relative to src/: "engine/sync.ts"; of the lab with its folder: "lab/faults.ts". */
  readonly path: string;
  readonly text: string;
  /** Own files by their path relative to src/; packages and Node's modules as they are written. */
  readonly imports: readonly string[];
}

/** All TypeScript files of the product and of the lab beside it. */
export function sourceFiles(root: string): readonly SourceFile[] {
  return ["src", "lab"]
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: "utf8" }).map((path) => join(room, path)),
    )
    .filter((path) => /\.tsx?$/.test(path) && !path.includes("node_modules"))
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(root, path), "utf8")));
}

/** @param path relative to the repository: "src/engine/sync.ts" */
export function sourceFile(path: string, text: string): SourceFile {
  const specifiers = text.matchAll(
    /^\s*(?:import|export)\b[^"'`;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  const imports = [...specifiers].map(([, from, bare, lazy]) => {
    const name = from ?? bare ?? lazy ?? "";
    return name.startsWith(".") ? withinSource(normalize(join(dirname(path), name))) : name;
  });
  return { path: withinSource(path), text, imports };
}

function withinSource(path: string): string {
  return path.replace(/^src\//, "");
}

/** "a.ts > b.ts > a.ts" for each group of files that import each other; types and lazy imports count. */
export function importCycles(files: readonly SourceFile[]): readonly string[] {
  const imports = new Map(files.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) cycles.push([...trail.slice(at), path].join(" > "));
    if (at >= 0 || done.has(path)) return;
    for (const imported of imports.get(path) ?? []) visit(imported, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return cycles;
}

const labLoader = "cli/lab-package.ts";
const labFace = "lab/index.ts";

/** Imports of the lab by the product, but for the one file that loads it through its public face. */
export function labImports(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => !path.startsWith("lab/"))
    .flatMap(({ path, imports }) =>
      imports
        .filter((name) => name.startsWith("lab/") && !(path === labLoader && name === labFace))
        .map((name) => `${path} imports ${name}`),
    );
}

/** What an oracle of the lab may import of the product. */
const oracleVocabulary = [
  "component.ts",
  "errors.ts",
  "hosts/host.ts",
  "hosts/network.ts",
  "hosts/script.ts",
  "hosts/world.ts",
  "certificate.ts",
  "cluster.ts",
  "external-portainer.ts",
  "firewall.ts",
  "model.ts",
  "resource.ts",
  "secret.ts",
];

/** The folders that the table of lab/README.md calls oracles: "lab/traefik/". */
export function oraclesIn(readme: string): readonly string[] {
  return [...readme.matchAll(/^\| `([^`]+)` \| oracle \|/gm)].map(([, part]) => `lab/${part}`);
}

/** Imports by which an oracle would share the product's judgement. */
export function oracleImports(files: readonly SourceFile[], oracles: readonly string[]): readonly string[] {
  return files
    .filter(({ path }) => oracles.some((oracle) => path.startsWith(oracle)))
    .flatMap(({ path, imports }) =>
      imports
        .filter((name) => name.endsWith(".ts") && !name.startsWith("lab/"))
        .filter((name) => !oracleVocabulary.includes(name))
        .map((name) => `${path} imports ${name}`),
    );
}

/** Files that are longer than a limit of lines: "engine/sync.ts: 351 lines". */
export function longFiles(files: readonly SourceFile[], limit: number): readonly string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    return lines > limit ? [`${path}: ${lines} lines`] : [];
  });
}

/** Functions that are longer than a limit of lines, from their first to their last: "engine/sync.ts: sync". */
export function longFunctions(files: readonly SourceFile[], limit: number): readonly string[] {
  return files.flatMap(({ path, text }) => {
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const found: string[] = [];
    const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
        const lines = lineAt(node.end) - lineAt(node.getStart()) + 1;
        if (lines > limit) found.push(`${path}: ${nameOf(node)}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : "an unnamed function";
}
