/** A page's document with everything in it, as of a small fabric, or one with as many names as a test asks for. */
import type { DashboardDocument } from "../../src/render/output-dashboard.ts";

type Way = DashboardDocument["ways"][number];

const proved = "2026-11-28T16:00:00.000Z";

export function sampleDocument(names = 4): DashboardDocument {
  return {
    format: "phoenix.dashboard/1",
    phoenix: "0.2.0",
    site: "/usr/local/phoenix_hypervisor",
    domain: "oak.home.arpa",
    world: "pve (192.168.40.2)",
    made: proved,
    looked: proved,
    lookMs: 1_900,
    machines: [
      {
        host: "lxc/210",
        name: "gateway",
        address: "192.168.40.10",
        roles: ["gateway"],
        state: "answers",
        note: "up 12 days",
      },
      {
        host: "lxc/211",
        name: "mesh",
        address: "192.168.40.11",
        roles: ["mesh"],
        state: "answers",
        note: "up 12 days",
      },
      {
        host: "vm/311",
        name: "docker-one",
        address: "192.168.40.31",
        roles: ["agent"],
        state: "no answer",
        note: "no route to host",
      },
    ],
    ways: Array.from({ length: names }, (_, at) => way(`name-${at}.oak.home.arpa`, at % 4 === 3)),
    components: [
      {
        component: "dns",
        state: "in sync",
        resources: 4,
        changes: 0,
        checksPassed: 57,
        checksFailed: 0,
        note: "",
      },
      {
        component: "nginx",
        state: "failed",
        resources: 4,
        changes: 1,
        checksPassed: 17,
        checksFailed: 1,
        note: "one name",
      },
    ],
    off: [{ component: "trust", reason: "no CA is declared" }],
    failures: [
      {
        component: "nginx",
        claim: "the gateway rejects an undeclared name",
        seen: "expected no certificate, got serial 01",
      },
    ],
    plan: {
      converged: false,
      create: 0,
      update: 1,
      delete: 0,
      lines: ["~ nginx  ~ gateway", "Plan: 0 to create, 1 to update, 0 to delete"],
    },
    certificates: [
      {
        name: "gateway.oak.home.arpa",
        state: "due",
        daysLeft: 0.3,
        ends: proved,
        issuer: "Oak CA",
        names: ["gateway.oak.home.arpa"],
        at: { file: "etc/certificate-manifest.json", line: 4 },
      },
    ],
    runs: [
      {
        generation: 41,
        command: "sync all",
        who: "root",
        host: "pve",
        started: proved,
        durationMs: 8_300,
        exitCode: 7,
        outcome: "was rolled back",
        changes: 2,
      },
      {
        generation: 40,
        command: "sync all",
        who: "root",
        host: "pve",
        started: proved,
        durationMs: 400,
        exitCode: 0,
        outcome: "converged",
        changes: 0,
      },
    ],
    live: {
      command: "sync dns",
      who: "root",
      host: "pve",
      started: proved,
      components: [{ component: "dns", phase: "verify", sign: "~", doing: "verifying, 3 checks passed" }],
    },
  };
}

function way(name: string, isBroken: boolean): Way {
  const at = { file: "stacks/wiki/docker-compose.yml", line: 14 };
  const hop = { state: "proved", expected: "as declared", proved, at } as const;
  return {
    name,
    leadsTo: "wiki-wiki",
    host: "vm/311",
    state: isBroken ? "broken" : "proved",
    hops: [
      { ...hop, kind: "dns", host: "pve", label: "192.168.40.10" },
      { ...hop, kind: "tcp", host: "lxc/210", label: ":443" },
      { ...hop, kind: "tls", host: "lxc/210", label: "gateway.oak.home.arpa" },
      { ...hop, kind: "gateway", host: "lxc/210", label: "gateway" },
      { ...hop, kind: "mesh", host: "lxc/211", label: "wiki-wiki" },
      isBroken
        ? {
            ...hop,
            kind: "backend",
            host: "vm/311",
            label: "docker-one:3080",
            state: "broken",
            seen: "the mesh answers 502",
            hint: "check docker-one",
          }
        : { ...hop, kind: "backend", host: "vm/311", label: "docker-one:3080" },
      { ...hop, kind: "container", host: "vm/311", label: "wiki" },
    ],
  };
}
