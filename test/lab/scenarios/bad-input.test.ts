/** A site with many mistakes: all of them are told at once, each with its place, and nothing is touched. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { CheckDocument } from "../../../src/render/output-schemas.ts";
import { call } from "../../cli/edge.ts";
import { syncedLab } from "./labs.ts";
import { shared } from "./shared.ts";
import { homelab } from "./sites.ts";
import { differences, treeOf } from "./tree.ts";

interface Mistake {
  readonly file: string;
  readonly from: string;
  /** What the line that is told about holds. */
  readonly to: string;
  /** It is the last such line, not the first. */
  readonly last?: true;
  readonly message: RegExp;
}

const hypervisor = "etc/phoenix_hypervisor_config.json";
const lxc = "etc/phoenix_lxc_configs.json";
const vm = "etc/phoenix_vm_configs.json";
const manifest = "etc/certificate-manifest.json";

/** Each is one that somebody made. They are independent: none hides another. */
const mistakes: readonly Mistake[] = [
  {
    file: hypervisor,
    from: '{ "name": "nas", "ip": "192.168.40.5" }',
    to: '{ "name": "nas", "ip": "192.168.40.500" }',
    message: /192\.168\.40\.500/,
  },
  {
    file: hypervisor,
    from: '"default_output_policy": "ACCEPT"',
    to: '"default_output_policy": "ACEPT"',
    message: /ACEPT/,
  },
  { file: hypervisor, from: '"port": "2049"', to: '"port": "204900"', message: /204900/ },
  { file: hypervisor, from: '"9.9.9.9"', to: '"9.9.9.999"', message: /9\.9\.9\.999/ },
  {
    file: lxc,
    from: '"ip": "192.168.40.20/24"',
    to: '"ip": "192.168.40.21/24"',
    // Told at the second of the two guests.
    last: true,
    message: /192\.168\.40\.21/,
  },
  {
    file: lxc,
    from: '"ip": "192.168.40.23/24"',
    to: '"ip": "192.168.41.23/24"',
    message: /192\.168\.41\.23/,
  },
  { file: lxc, from: '"port": 8096 }', to: '"port": 80960 }', message: /80960/ },
  {
    file: lxc,
    from: '"max_body_size": "50g"',
    to: '"max_body_size": "50 gigabytes"',
    message: /50 gigabytes/,
  },
  { file: lxc, from: '"read_timeout": "30m"', to: '"read_timeout": "soon"', message: /soon/ },
  {
    file: lxc,
    from: '"action": "ACCEPT", "proto": "tcp", "port": "2283"',
    to: '"action": "ALLOW", "proto": "tcp", "port": "2283"',
    message: /ALLOW/,
  },
  {
    file: vm,
    from: '"docker_stacks": ["grafana", "wiki",',
    to: '"docker_stacks": ["grafanna", "wiki",',
    message: /grafanna/,
  },
  { file: vm, from: '"environment": "testing"', to: '"environment": "testin"', message: /testin/ },
  { file: vm, from: '"portainer_role": "primary"', to: '"portainer_role": "primry"', message: /primry/ },
  {
    file: vm,
    from: '"path": "/tank/vm-persistent-data/312"',
    to: '"path": "tank/vm-persistent-data/312"',
    message: /tank\/vm-persistent-data\/312/,
  },
  { file: manifest, from: '"permissions": "640"', to: '"permissions": "rw-r-----"', message: /rw-r-----/ },
  {
    file: manifest,
    from: '"cert_path": "/mnt/pve/tank/lxc-persistent-data/211/certs/mesh.crt"',
    to: '"cert_path": "certs/mesh.crt"',
    message: /certs\/mesh\.crt/,
  },
  {
    file: "stacks/wiki/phoenix.json",
    from: '"file:secrets/wiki_database_password"',
    to: '"file:secrets/nowhere"',
    message: /secrets\/nowhere/,
  },
  {
    file: "stacks/queue/phoenix.json",
    from: "loadbalancer.server.port=8081",
    to: "loadbalancer.server.port=8088",
    message: /8088/,
  },
  {
    file: "stacks/queue/phoenix.json",
    from: "queue.entrypoints=web",
    to: "queue.entrypoints=wbe",
    message: /wbe/,
  },
  {
    file: "stacks/wiki/docker-compose.yml",
    from: "middlewares=wiki-headers,wiki-pace",
    to: "middlewares=wiki-headers,wiki-pase",
    message: /wiki-pase/,
  },
  {
    file: "stacks/homepage/docker-compose.yml",
    from: `\${WEB_PORT:-8080}`,
    to: `\${WEB_PORTT}`,
    message: /WEB_PORTT/,
  },
  {
    file: "stacks/node_exporter/docker-compose.yml",
    from: "    pid: host",
    to: "\tpid: host",
    message: /tab|indent|YAML/i,
  },
];

const site = join(shared(), "site-bad");
let lab: string;

/** The line that a mistake must be told about, counted from 1. */
function lineOf({ file, to, last }: Mistake): number {
  const lines = readFileSync(join(site, file), "utf8").split("\n");
  const is = (text: string): boolean => text.includes(to);
  return (last === true ? lines.findLastIndex(is) : lines.findIndex(is)) + 1;
}

beforeAll(async () => {
  lab = await syncedLab(homelab);
  cpSync(homelab.root, site, { recursive: true });
  for (const { file, from, to } of mistakes) {
    const text = readFileSync(join(site, file), "utf8");
    expect(text, `${file}: ${from}`).toContain(from);
    writeFileSync(
      join(site, file),
      text.replace(from, () => to),
    );
  }
});

describe("twenty mistakes and more", () => {
  test("are all told at once, each at its place, with a hint where there is one", async () => {
    const { code, stdout } = await call(["check", "--site", site, "--output", "json"]);
    expect(code).toBe(1);
    const { problems } = JSON.parse(stdout) as CheckDocument;
    const untold = mistakes.filter(
      (mistake) =>
        !problems.some(
          (problem) =>
            problem.severity === "error" &&
            problem.at.file === mistake.file &&
            problem.at.line === lineOf(mistake) &&
            mistake.message.test(problem.message),
        ),
    );
    const told = problems.map(
      ({ severity, at, message }) => `${at.file}:${at.line}: ${severity}: ${message}`,
    );
    expect(
      untold.map(({ file, to }) => `${file}: ${to}`),
      told.join("\n"),
    ).toEqual([]);
    expect(mistakes.length).toBeGreaterThanOrEqual(20);
  });

  test.each(["check", "plan", "sync all", "sync all --yes --allow prune"])(
    "%s: exit 1, and nothing is touched",
    async (line) => {
      const before = treeOf(lab);
      const said = await call([...line.split(" "), "--site", site, "--lab", lab]);
      expect(said.code).toBe(1);
      const words = said.stdout + said.stderr;
      for (const mistake of mistakes) expect(words).toContain(`${mistake.file}:${lineOf(mistake)}:`);
      expect(differences(before, treeOf(lab))).toEqual([]);
    },
  );
});
