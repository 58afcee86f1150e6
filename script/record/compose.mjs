/**
 * Asks real Docker Compose programs for their verdict on every recorded document, and writes their answers beside it.
 * Arguments: VERSION=PROGRAM for each. Called by script/record-compose.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCases, writeAnswers } from "./cases.mjs";

const corpus = fileURLToPath(new URL("../../test/cases/recorded/compose", import.meta.url));
const project = "recorded";

/** Compose walks its maps in random order: of several faults it names another one each time. The first by letters is kept. */
const attempts = 5;

for (const argument of process.argv.slice(2)) {
  const [version, program] = argument.split("=");
  const answers = new Map();
  for (const { name, files } of readCases(join(corpus, "documents"), "docker-compose.yml"))
    answers.set(name, await answerTo(program, files));
  writeAnswers(join(corpus, `recorded-${version}.json`), { program: "Docker Compose", version }, answers);
  console.log(`Docker Compose ${version}: ${answers.size} documents`);
}

/** What `docker compose config` says about one document in a directory of its own. */
async function answerTo(program, { variables = "", ...files }) {
  const root = mkdtempSync(join(tmpdir(), "record-compose-"));
  const directory = join(root, "project");
  mkdirSync(directory);
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    const environment = Object.fromEntries(
      variables
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const first = await ask(program, directory, environment);
    if (first.accepted) return first;
    const more = Array.from({ length: attempts - 1 }, () => ask(program, directory, environment));
    return [first, ...(await Promise.all(more))].sort((a, b) => (a.message < b.message ? -1 : 1))[0];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function ask(program, directory, environment) {
  const options = {
    cwd: directory,
    timeout: 20_000,
    maxBuffer: 16 * 1024 * 1024,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: "/home/recorded",
      PWD: directory,
      DOCKER_CONFIG: join(directory, ".docker"),
      ...environment,
    },
  };
  const plain = (text) => text.replaceAll(dirname(directory), "");
  return new Promise((resolve) => {
    execFile(program, ["-p", project, "config", "--format", "json"], options, (error, stdout, stderr) => {
      const { warnings, message } = logged(plain(stderr));
      // A panic goes on with addresses that differ each time.
      if (error !== null)
        resolve({ accepted: false, message: message.split("\ngoroutine ")[0] || `exit code ${error.code}` });
      else {
        const meaning = unescaped(JSON.parse(plain(stdout)));
        resolve({ accepted: true, meaning, ...(warnings.length === 0 ? {} : { warnings }) });
      }
    });
  });
}

/** Compose writes each dollar sign of its output twice, in names and values, so that it can be read again. */
function unescaped(value) {
  if (typeof value === "string") return value.replaceAll("$$", "$");
  if (Array.isArray(value)) return value.map(unescaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [unescaped(key), unescaped(member)]),
  );
}

/** Splits its log, one logfmt line each, from the message that it ends with. */
function logged(text) {
  const warnings = [];
  const rest = text.split("\n").filter((line) => {
    const found = /^time="[^"]*" level=(\w+) msg=(".*")$/.exec(line);
    if (found?.[1] === "warning") warnings.push(JSON.parse(found[2]));
    return found?.[1] !== "warning" && line !== "";
  });
  return { warnings: [...new Set(warnings)].sort(), message: rest.join("\n") };
}
