/** What names can mean, and what is said of each meaning. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import type { Answer, Sense } from "../../src/why/answer.ts";
import type { Context } from "../../src/why/context.ts";
import { answerTo } from "../../src/why/index.ts";
import { namesIn } from "../../src/why/names.ts";
import { contextFor } from "./sites.ts";

const root = join(import.meta.dirname, "../..");
let homelab: Context;
beforeAll(async () => {
  homelab = await contextFor(join(root, "examples/homelab"));
});

const ask = (name: string): Answer => answerTo(homelab, name);
const first = (name: string): Sense => ask(name).senses[0] as Sense;
const lines = ({ causes }: Sense): readonly string[] =>
  causes.flatMap(({ at }) => (at ? [`${at.file}:${at.line}`] : []));
const resources = ({ effects }: Sense): readonly string[] => [
  ...new Set(effects.map(({ resource }) => resource)),
];

test("a resource of another node of a cluster is decided by the lines of the same one on pve", () => {
  expect(lines(first("dns/records@pve2"))).toEqual(lines(first("dns/records")));
});

describe("a name", () => {
  test("of a stack's service is followed through every component, from its label and its assignment", () => {
    const sense = first("wiki.oak.home.arpa");
    expect(lines(sense)).toEqual(
      expect.arrayContaining(["stacks/wiki/docker-compose.yml:18", "etc/phoenix_vm_configs.json:69"]),
    );
    expect(resources(sense)).toEqual([
      "dns/records",
      "firewall/group-vm-311",
      "certificates/gateway.oak.home.arpa",
      "traefik/routes",
      "nginx/gateway",
      "stacks/wiki",
    ]);
  });

  test.each(["https://WIKI.oak.home.arpa/start", "wiki.oak.home.arpa.", "wiki"])(
    "is found as %s",
    (written) => {
      expect(first(written).title).toBe(first("wiki.oak.home.arpa").title);
    },
  );

  test("below a wildcard is told by the wildcard", () => {
    const sense = first("x.sandbox.oak.home.arpa");
    expect(sense.notes).toContain("*.sandbox.oak.home.arpa covers x.sandbox.oak.home.arpa");
    expect(resources(sense)).toEqual(["dns/wildcards"]);
  });

  test("with several meanings shows all of them", () => {
    expect(ask("wiki").senses.map(({ title }) => title)).toEqual([
      "wiki.oak.home.arpa: a name of service wiki-wiki, stack wiki on vm/311 (docker-one)",
      "wiki: a stack",
    ]);
  });

  test("that asks for a name (PTR) says what is answered", () => {
    expect(first("10.40.168.192.in-addr.arpa").notes.join()).toContain(
      "the name server answers gateway.oak.home.arpa",
    );
  });

  test("that nothing is called so offers the nearest one", () => {
    expect(() => ask("wki.oak.home.arpa")).toThrow(UsageError);
    expect(() => ask("vm/31")).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("did you mean vm/31") }),
    );
  });
});

describe("a port", () => {
  test("has the rules that open it, also those of a list, and the container that publishes it", () => {
    const sense = first("vm/311:3000");
    expect(resources(sense)).toEqual(
      expect.arrayContaining(["firewall/group-vm-311", "traefik/routes", "stacks/grafana"]),
    );
    expect(lines(sense)).toContain("stacks/grafana/phoenix.json:38");
  });

  test("is found by the guest's name and its address", () => {
    for (const host of ["docker-one", "311", "192.168.40.31"])
      expect(first(`${host}:3000`)).toEqual(first("vm/311:3000"));
  });

  test("that no key decides names the default, and the key that would change it", () => {
    const causes = first("portainer/server").causes.filter((cause) => cause.default !== undefined);
    expect(causes).toContainEqual({
      key: "network.portainer_server_port",
      says: "Portainer's port",
      default: { file: "etc/phoenix_hypervisor_config.json", value: "9443", docs: "docs/keys.md#network" },
    });
  });
});

test("every default names a heading of docs/keys.md", () => {
  const headings = new Set(
    [...readFileSync(join(root, "docs/keys.md"), "utf8").matchAll(/^### (.*)$/gm)].map(([, heading = ""]) =>
      heading.toLowerCase().replaceAll("'", "").replaceAll(" ", "-"),
    ),
  );
  const docs = homelab.explained
    .flatMap(({ resource }) => ask(resource.id).senses)
    .flatMap(({ causes }) =>
      causes.flatMap((cause) => (cause.default === undefined ? [] : [cause.default.docs])),
    );
  expect(docs.length).toBeGreaterThan(0);
  for (const each of docs) expect(headings, each).toContain(each.split("#")[1]);
});

describe("a line of the site", () => {
  test("that Phoenix does not read says so", () => {
    const at =
      homelab.places.lines("etc/phoenix_lxc_configs.json")?.findIndex((line) => line.includes("memory_mb")) ??
      0;
    expect(first(`etc/phoenix_lxc_configs.json:${at + 1}`)).toMatchObject({
      effects: [],
      notes: expect.arrayContaining([expect.stringContaining("does not read")]),
    });
  });

  test("and a key have the same answer", () => {
    expect(first("network.portainer_agent_port").effects).toEqual(
      first("etc/phoenix_hypervisor_config.json:15").effects,
    );
  });

  test("beyond its end is a usage error", () => {
    expect(() => ask("etc/phoenix_vm_configs.json:9999")).toThrow("has no line 9999");
  });
});

test("a generated line names its unit and the line that declares it", () => {
  const sense = first("/etc/pve/firewall/cluster.fw:9");
  expect(sense.text).toContain("IN ACCEPT");
  expect(lines(sense)).toEqual(["etc/phoenix_hypervisor_config.json:70"]);
  expect(first("firewall/cluster:9")).toEqual(sense);
});

test("a component that is off says why", async () => {
  const site = await contextFor(join(root, "examples/dns-only"));
  expect(answerTo(site, "nginx").senses[0]?.notes).toEqual(["no gateway is declared"]);
});

test("no answer has a secret", () => {
  const secrets = ["grafana_admin", "portainer_admin", "wiki_database"].map((name) =>
    readFileSync(join(root, "examples/homelab/secrets", `${name}_password`), "utf8").trim(),
  );
  const all = JSON.stringify(namesIn(homelab).map((name) => ask(name)));
  for (const secret of secrets) expect(all).not.toContain(secret);
});
