/** Sites that lack something: whatever is deleted from a whole site, what is left is refused with a reason, or compiles. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadComponents } from "../../src/components/index.ts";
import { componentsOff, parts, takingPart } from "../../src/components/parts.ts";
import { rules } from "../../src/fabric/rules.ts";
import { loadSite } from "../../src/site/load.ts";
import { parseJson } from "../../src/site/text/json.ts";
import { inDirectory } from "./tree.ts";

const homelab = join(import.meta.dirname, "../../examples/homelab");
const files = [
  "phoenix_hypervisor_config",
  "phoenix_lxc_configs",
  "phoenix_vm_configs",
  "certificate-manifest",
].map((name) => `etc/${name}.json`);

type Json = ReturnType<typeof parseJson>["root"];

/** A value as plain data, without the members and items at these paths. */
function without(node: Json, deleted: ReadonlySet<string>, path = ""): unknown {
  if (node.kind === "array")
    return node.items.flatMap((item, at) =>
      deleted.has(`${path}/${at}`) ? [] : [without(item, deleted, `${path}/${at}`)],
    );
  if (node.kind !== "object") return node.kind === "null" ? null : node.value;
  const kept = [...node.members].filter(([key]) => !deleted.has(`${path}/${key}`));
  return Object.fromEntries(kept.map(([key, { value }]) => [key, without(value, deleted, `${path}/${key}`)]));
}

/** The paths of everything down to a depth. */
function pathsIn(node: Json, depth: number, path = ""): readonly string[] {
  if (depth === 0) return [];
  const children: readonly (readonly [string, Json])[] =
    node.kind === "object"
      ? [...node.members].map(([key, { value }]) => [key, value])
      : node.kind === "array"
        ? node.items.map((item, at) => [String(at), item])
        : [];
  return children.flatMap(([key, child]) => [
    `${path}/${key}`,
    ...pathsIn(child, depth - 1, `${path}/${key}`),
  ]);
}

const roots = new Map(files.map((file) => [file, parseJson(readFileSync(join(homelab, file), "utf8")).root]));
const places = files.flatMap((file) => pathsIn(roots.get(file) as Json, 4).map((path) => ({ file, path })));

/** The same numbers each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What is left of the site compiles for all that take part, or every error has a place in a file and a message. */
async function holds(root: string): Promise<void> {
  const { site, understood, problems } = await loadSite(root);
  for (const { at, message } of problems) expect([at.line > 0, message.length > 0]).toEqual([true, true]);
  const errors = problems.filter(({ severity }) => severity === "error");
  expect(site === undefined).toBe(errors.length > 0);
  if (understood !== undefined) rules.flatMap((rule) => rule(understood));
  if (site === undefined) return;
  for (const component of takingPart(await loadComponents(), site)) component.compile(site);
}

describe("whatever is deleted from a site", () => {
  test.each(Array.from({ length: 120 }, (_, seed) => seed))("seed %i", async (seed) => {
    const next = random(seed + 1);
    const some = Array.from(
      { length: 1 + Math.floor(next() * 5) },
      () => places[Math.floor(next() * places.length)],
    );
    await inDirectory(async (root) => {
      cpSync(homelab, root, { recursive: true });
      for (const file of files) {
        const deleted = new Set(some.flatMap((one) => (one?.file === file ? [one.path] : [])));
        if (deleted.size > 0)
          writeFileSync(join(root, file), JSON.stringify(without(roots.get(file) as Json, deleted)));
      }
      if (next() < 0.3) rmSync(join(root, files[1 + Math.floor(next() * 3)] ?? ""));
      await holds(root);
    });
  });
});

describe("the least there is", () => {
  const network = { interfaces: { address: "10.0.0.2/24" } };
  const load = (config: unknown, more: Readonly<Record<string, unknown>> = {}) =>
    inDirectory(async (root) => {
      cpSync(join(homelab, "etc"), join(root, "etc"), { recursive: true });
      for (const file of files) rmSync(join(root, file));
      for (const [file, value] of Object.entries({ [files[0] ?? ""]: config, ...more }))
        writeFileSync(join(root, file), JSON.stringify(value));
      return loadSite(root);
    });
  const off = (site: Parameters<typeof componentsOff>[0] | undefined) =>
    site && componentsOff(site).map(({ component }) => component);
  const codes = async (...site: Parameters<typeof load>) =>
    (await load(...site)).problems.map(({ code }) => code);
  const guest = (name: string, more: object = {}) => ({
    name,
    network_config: { ip: "10.0.0.9/24" },
    ...more,
  });
  const [, lxc = "", vms = "", manifest = ""] = files;
  // Few sites have a Swarm or two gateways: the others do not read of them.
  const told = Object.keys(parts).filter((name) => name !== "swarm" && name !== "keepalived");

  test("the hypervisor's network alone is a site, in which everything is off", async () => {
    const { site, problems } = await load({ network });
    expect(problems).toEqual([]);
    expect(off(site)).toEqual(told);
  });

  test("empty files of guests and certificates say nothing", async () => {
    const { site, problems } = await load({ network }, { [lxc]: {}, [vms]: {}, [manifest]: [] });
    expect([problems, off(site)]).toEqual([[], told]);
  });

  test("a container called nginx, traefik or step-ca has no role", async () => {
    const names = Object.fromEntries(
      ["nginx", "traefik", "step-ca"].map((name, at) => [
        String(101 + at),
        { name, network_config: { ip: `10.0.0.${11 + at}/24` } },
      ]),
    );
    const { site, problems } = await load({ network }, { [lxc]: names });
    expect([problems, site?.roles]).toEqual([[], {}]);
  });

  test("a server that is switched off is not an absent one", async () => {
    const { site } = await load({ network, dns_server: { enabled: false }, firewall: { enabled: false } });
    expect(off(site)).not.toContain("dns");
    expect(off(site)).not.toContain("firewall");
  });

  test.each([
    [
      "a routed service",
      {},
      { [lxc]: { "101": guest("media", { traefik_service: { name: "x", port: 80 } }) } },
      ["PHX0104", "PHX0210"],
    ],
    [
      "certificates",
      {},
      { [manifest]: [{ common_name: "a.b", cert_path: "/a", key_path: "/b" }] },
      ["PHX0210"],
    ],
    [
      "an agent",
      {},
      { [vms]: { vms: [{ vmid: 201, ...guest("docker", { portainer_role: "agent" }) }] } },
      ["PHX0703"],
    ],
    [
      "a filtered guest",
      {},
      { [lxc]: { "101": guest("media", { firewall: { enabled: true } }) } },
      ["PHX0501"],
    ],
    ["records", { dns_records: { a: "10.0.0.3" } }, {}, ["PHX0312"]],
    [
      "somebody else's Portainer",
      { portainer_api: { external: true, api_key: "x" } },
      {},
      ["PHX0102", "PHX0704"],
    ],
    ["names", { dns_server: { enabled: true, upstream_servers: ["9.9.9.9"] } }, {}, ["PHX0104"]],
  ])("half a declaration is one error: %s", async (_what, config, more, wanted) => {
    expect((await codes({ network, ...config }, more)).sort()).toEqual(wanted);
  });

  test("a service of somebody else's proxy needs neither gateway nor mesh", async () => {
    const service = { name: "x.example.net", host: "x.example.net", port: 80, external: true };
    const { site, problems } = await load(
      { network, domain_name: "a.b" },
      { [lxc]: { "101": guest("media", { traefik_service: service }) } },
    );
    expect(problems).toEqual([]);
    expect(site?.services.map(({ path }) => path)).toEqual(["external"]);
  });
});

test("docs/site.md says what each component needs", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/site.md"), "utf8");
  for (const [component, { needs }] of Object.entries(parts))
    expect(text).toContain(`| ${component} | ${needs} |`);
});
