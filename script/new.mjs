// Adds a component, a rule, a format or a problem code: files from script/templates/, and the lines that make them known.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const usage = `Usage: script/new component NAME
       script/new format NAME
       script/new code CODE TITLE
       script/new rule NAME CODE TITLE     (adds the code as well)
NAME is in kebab-case; CODE is a new one, as PHX0526; TITLE is a few words: "two guests with one name"
`;

const [kind, ...args] = process.argv.slice(2);
const [name, code, title] = kind === "code" ? [undefined, ...args] : args;
const valid =
  ["component", "format", "code", "rule"].includes(kind) &&
  (kind === "code" || /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) &&
  (kind === "component" || kind === "format"
    ? args.length === 1
    : /^PHX\d{4}$/.test(code) && /^[^"'`\\\n]+$/.test(title));
if (!valid) fail(usage);
const written = new Set();

const files = kind === "code" ? [] : filledTemplates();
if (kind === "code" || kind === "rule") addCode();
for (const [path, text] of files) write(path, text);
if (kind === "component")
  edit(
    "src/components/index.ts",
    /\n};/,
    `\n  ${key()}: async () => (await import("./${name}/index.ts")).${camel()},\n};`,
  );
if (kind === "rule") {
  edit("src/fabric/rules.ts", /(?=\n\nexport)/, `\nimport { ${camel()} } from "./${name}.ts";`);
  edit("src/fabric/rules.ts", /\];/, `, ${camel()}];`);
}
spawnSync("node_modules/.bin/biome", ["check", "--write", ...written], { cwd: root });
process.stdout.write(`${[...written].sort().join("\n")}\n`);

/** Puts the code into the table of its area, in the order of the codes. */
function addCode() {
  const folder = "src/problem-codes";
  const area = readdirSync(join(root, folder)).find((file) =>
    read(join(folder, file)).includes(`  ${code.slice(0, 5)}`),
  );
  if (area === undefined)
    fail(`Error: no table in ${folder} has codes that begin with ${code.slice(0, 5)}\n`);
  const path = join(folder, area);
  const codes = [...read(path).matchAll(/^ {2}(PHX\d{4}): /gm)].map(([, each]) => each);
  if (codes.includes(code)) fail(`Error: ${code} is in use: see ${path}\n`);
  const next = codes.find((each) => each > code);
  const entry = `  ${code}: error\`${title}
    Say what the code means and why it matters.
    Say what to do.\`,
`;
  edit(path, next === undefined ? /^(?=} as const)/m : new RegExp(`^(?=  ${next}: )`, "m"), entry);
}

/** Path and text of each new file. None of them may exist. */
function filledTemplates() {
  const from = join(root, "script/templates", kind);
  const templates = readdirSync(from, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return templates.map((entry) => {
    const template = join(entry.parentPath, entry.name);
    const path = filled(template.slice(from.length + 1));
    if (existsSync(join(root, path))) fail(`Error: ${path} exists\n`);
    return [path, filled(readFileSync(template, "utf8"))];
  });
}

/** `__NAME__` is "mail-relay", `__name__` "mailRelay", `__Name__` "MailRelay". */
function filled(text) {
  return text
    .replaceAll("__NAME__", name)
    .replaceAll("__name__", camel())
    .replaceAll(
      "__Name__",
      camel().replace(/^./, (letter) => letter.toUpperCase()),
    )
    .replaceAll("__CODE__", code)
    .replaceAll("__TITLE__", title);
}

function camel() {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

function key() {
  return name === camel() ? name : JSON.stringify(name);
}

function read(path) {
  return readFileSync(join(root, path), "utf8");
}

function edit(path, place, text) {
  write(path, read(path).replace(place, text));
}

function write(path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  written.add(path);
}

function fail(message) {
  process.stderr.write(message);
  process.exit(64);
}
