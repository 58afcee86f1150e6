/**
 * Records what Docker's API and command line say in a Swarm: `script/record-swarm COMMAND…`, the command being what runs
 * another one on the machine "one", as `testbed/shell vm-1001` does. It manages a Swarm whose workers are "two" and "three", with the
 * image notes:1 on each. What a case makes is removed after it.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { readCases, writeAnswers } from "./cases.mjs";
import { normal, parseCall, withoutProgress } from "./swarm-answers.mjs";

const directory = join(import.meta.dirname, "../../test/cases/recorded/swarm");
const [program, ...prefix] = process.argv.slice(2);

function run(command, input = "") {
  const { stdout, stderr, status } = spawnSync(program, [...prefix, ...command], { input, encoding: "utf8" });
  return { stdout, stderr, status };
}

function ask(method, path, body) {
  const url = `http://docker/v1.45${encodeURI(path)}`;
  const data = ["-H", "Content-Type: application/json", "--data-binary", "@-"];
  const curl = [
    "curl",
    "-sS",
    "--unix-socket",
    "/run/docker.sock",
    "-X",
    method,
    "-w",
    "\n%{http_code}",
    ...data,
    url,
  ];
  const { stdout } = run(curl, body ?? "");
  const at = stdout.trimEnd().lastIndexOf("\n");
  const text = stdout.slice(0, Math.max(0, at));
  return { status: Number(stdout.slice(at + 1)), body: text.trim() === "" ? undefined : JSON.parse(text) };
}

function calls(text) {
  let last = {};
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { method, path, body } = parseCall(line, last);
      const answer = ask(method, path, body);
      last = answer.body?.ID === undefined ? last : answer.body;
      return normal(answer);
    });
}

let count = 0;

function stack(text) {
  const path = "/tmp/recorded.yml";
  // A name of its own each time: what is being removed is in the way of the next one.
  count += 1;
  const name = `rec${count}`;
  run(["sh", "-c", `cat >${path}`], text);
  const { status, stderr } = run([
    ...["docker", "stack", "deploy", "--resolve-image=never", "--compose-file", path, name],
  ]);
  const services = ask("GET", `/services?filters={"label":["com.docker.stack.namespace=${name}"]}`).body;
  const specs = services.map(({ Spec }) => Spec).sort((a, b) => (a.Name < b.Name ? -1 : 1));
  run(["docker", "stack", "rm", name]);
  return normal({ exitCode: status, stderr: withoutProgress(stderr), specs }, name);
}

ask("POST", "/configs/create", JSON.stringify({ Name: "c_123", Data: "eA==" }));
ask("POST", "/secrets/create", JSON.stringify({ Name: "s_123", Data: "eA==" }));
const answers = new Map();
for (const { name, files } of readCases(join(directory, "cases"), "main")) {
  const text = files.main ?? "";
  answers.set(name, name.startsWith("calls/") ? calls(text) : stack(text));
}
const version = "26.1.5";
writeAnswers(join(directory, `recorded-${version}.json`), { program: "docker", version }, answers);
