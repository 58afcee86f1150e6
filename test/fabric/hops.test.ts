/** The ways to the names of examples/homelab: which hops, where, and the line that declares each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Hop } from "../../src/fabric/hop.ts";
import { tracedNames, waysTo, wayToGuest, wayToHypervisor } from "../../src/fabric/hops.ts";
import type { SourceRef } from "../../src/resource.ts";
import { homelab, siteOf } from "../lab/scenarios/sites.ts";

const site = await siteOf(homelab);

const line = ({ file, line }: SourceRef): string =>
  (readFileSync(join(homelab.root, file), "utf8").split("\n")[line - 1] ?? "").trim();

const shown = ({ kind, host, expected, from }: Hop): string => `${kind} ${host} ${expected} | ${line(from)}`;

const hopsTo = (name: string): readonly (readonly string[])[] =>
  waysTo(site, name).map(({ hops }) => hops.map(shown));

test("a stack's name: through the gateway and the mesh to its container", () => {
  const rule =
    "- traefik.http.routers.wiki.rule=Host(`wiki.oak.home.arpa`) || Host(`handbook.oak.home.arpa`)";
  expect(hopsTo("handbook.oak.home.arpa")).toEqual([
    [
      `dns pve 192.168.40.10 | ${rule}`,
      'tcp lxc/210 192.168.40.10:443 | "210": {',
      "tls lxc/210 a certificate for handbook.oak.home.arpa | {",
      `gateway lxc/210 nginx -> http://192.168.40.11:80 | ${rule}`,
      `mesh lxc/211 router wiki-wiki -> http://192.168.40.31:3080 | ${rule}`,
      'backend vm/311 http://192.168.40.31:3080 | - "3080:3000"',
      "container vm/311 wiki of stack wiki running | wiki:",
      "container vm/311 database of stack wiki running | database:",
    ],
  ]);
});

test("a container's service ends at its port, which a rule of its own opens", () => {
  const [way] = waysTo(site, "media.oak.home.arpa");
  const last = way?.hops.at(-1);
  expect(last?.kind).toBe("backend");
  if (last?.kind !== "backend") return;
  expect(last.path).toMatchObject({ from: "lxc/211", to: "lxc/220", port: 8096 });
  expect(line(last.opening)).toContain("Jellyfin, through the mesh");
});

test("Portainer, an agent and the CA have what answers for them", () => {
  const ends = ["portainer.oak.home.arpa", "agent-one.oak.home.arpa", "ca.oak.home.arpa"].map((name) =>
    waysTo(site, name).flatMap(({ hops }) =>
      hops.flatMap((hop) => (hop.kind === "backend" ? hop.application : [])),
    ),
  );
  expect(ends).toEqual([["portainer"], ["agent"], ["ca"]]);
  expect(hopsTo("agent-one.oak.home.arpa").flat().at(-1)).toMatch(
    /^container vm\/311 portainer_agent running/,
  );
});

test("records, wildcards, guests and the hypervisor", () => {
  expect(hopsTo("nas.oak.home.arpa")).toEqual([
    ['dns pve 192.168.40.5 | { "name": "nas", "ip": "192.168.40.5" },'],
  ]);
  expect(hopsTo("anything.sandbox.oak.home.arpa").flat()).toEqual([
    expect.stringMatching(/^dns pve 192\.168\.40\.32 \| .*"\*\.sandbox\.oak\.home\.arpa"/),
  ]);
  expect(
    hopsTo("docker-one.oak.home.arpa")
      .flat()
      .map((hop) => hop.split(" ", 2).join(" ")),
  ).toEqual(["dns pve", "guest vm/311", ...Array.from({ length: 6 }, () => "container vm/311")]);
  expect(hopsTo("nowhere.oak.home.arpa")).toEqual([]);
  const media = site.guests.find(({ name }) => name === "media");
  expect(media && wayToGuest(site, media).hops.map(({ kind }) => kind)).toEqual(["guest"]);
  expect(wayToHypervisor(site).hops.map(({ kind }) => kind)).toEqual(["tcp", "tls"]);
});

test("every name has a way, and the hops of each are in the order of a request", () => {
  const order = ["dns", "tcp", "tls", "gateway", "mesh", "backend", "guest", "container"];
  const names = tracedNames(site);
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) {
    const ways = waysTo(site, name);
    expect(ways, name).not.toEqual([]);
    for (const { hops } of ways) {
      const at = hops.map(({ kind }) => order.indexOf(kind));
      expect(at, name).toEqual([...at].sort((a, b) => a - b));
    }
  }
});
