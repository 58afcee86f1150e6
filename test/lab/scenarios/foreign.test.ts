/** What others put beside ours is left alone, whatever there is to do, and even when orphans may be deleted. */
import { beforeAll, expect, test } from "vitest";
import type { HostName } from "../../../src/resource.ts";
import { drifts } from "./drifts.ts";
import { type Hands, handsIn } from "./hands.ts";
import { syncedLab } from "./labs.ts";
import { complaints, planOf, syncAll } from "./phoenix.ts";
import { homelab, siteOf } from "./sites.ts";

const site = await siteOf(homelab);
const { gateway, mesh } = site.roles;
const machine = site.stacks[0]?.guest.host ?? "vm/0";
const primary = site.portainer?.guest.host ?? "vm/0";

const texts: readonly (readonly [host: HostName, path: string, text: string])[] = [
  ["pve", "/etc/dnsmasq.d/printers.conf", "address=/printer.example.org/192.168.40.77\n"],
  ["pve", "/etc/phoenix/hosts.d/guests.hosts", "192.168.40.78 scanner.oak.home.arpa\n"],
  ["pve", "/etc/pve/firewall/999.fw", "[OPTIONS]\n\nenable: 0\n"],
  ["pve", "/etc/hosts.local", "# mine\n"],
  [gateway.host, "/etc/nginx/conf.d/limits.conf", "client_header_timeout 30s;\n"],
  [mesh.host, "/etc/traefik/dynamic/mine.yml", "http:\n  middlewares:\n    mine:\n      compress: {}\n"],
];

let lab: string;
let hands: Hands;

beforeAll(async () => {
  lab = await syncedLab(homelab);
  hands = handsIn(lab);
  for (const [host, path, text] of texts) hands.write(host, path, text);
  hands.edit("pve", "/etc/pve/firewall/cluster.fw", (text) =>
    text.replace(
      /^\[RULES\]\n/m,
      "[RULES]\n\nIN ACCEPT -source 192.168.40.50 -p tcp -dport 9090 # cockpit\n",
    ),
  );
  hands.edit(
    "pve",
    "/etc/pve/firewall/cluster.fw",
    (text) => `${text}\n[group printers]\n\nIN ACCEPT -p tcp -dport 631\n`,
  );
  await hands.run(machine, "docker", "volume", "create", "mine");
  await hands.run(
    machine,
    "docker",
    "run",
    "-d",
    "--name",
    "mine",
    "-p",
    "5555:80",
    "-v",
    "mine:/data",
    "nginx:1.27",
  );
  const database = hands.portainer(primary);
  const { stacks, endpoints, last } = database.read();
  const [endpoint, stack] = [endpoints[0], stacks[0]];
  if (endpoint === undefined || stack === undefined) throw new Error("nothing is in Portainer's database");
  database.write({
    endpoints: [...endpoints, { ...endpoint, Id: 90, Name: "mine", URL: "tcp://192.0.2.9:9001" }],
    stacks: [...stacks, { ...stack, Id: 91, Name: "mine", EndpointId: endpoint.Id, Env: [] }],
    last: { ...last, endpoint: 90, stack: 91 },
  });
  // Something to do in every component.
  const done = new Set<string>();
  for (const { component, make } of drifts) {
    if (!done.has(component)) await make(hands, site);
    done.add(component);
  }
});

test.each([[[]], [["--allow", "prune"]]])(
  "a sync with %j leaves it all as it is",
  { timeout: 180_000 },
  async (more) => {
    const { code, document, stderr } = await syncAll(lab, ...more);
    expect(complaints(document), stderr).toEqual([]);
    expect(code).toBe(0);
    for (const [host, path, text] of texts) expect(hands.text(host, path), path).toBe(text);
    const cluster = hands.text("pve", "/etc/pve/firewall/cluster.fw");
    expect(cluster).toContain("IN ACCEPT -source 192.168.40.50 -p tcp -dport 9090 # cockpit");
    expect(cluster).toContain("[group printers]");
    const { containers, volumes } = hands.docker(machine).state;
    expect(containers.find(({ name }) => name === "mine")?.state).toBe("running");
    expect(volumes.map(({ name }) => name)).toContain("mine");
    const { stacks, endpoints } = hands.portainer(primary).read();
    expect(stacks.map(({ Name }) => Name)).toContain("mine");
    expect(endpoints.map(({ Name }) => Name)).toContain("mine");
  },
);

test("nothing of it is in a plan, not even as an orphan", async () => {
  const { document } = await planOf(lab, "--allow", "prune");
  expect(
    document.components.flatMap(({ changes, orphans }) => [...changes.map(({ id }) => id), ...orphans]),
  ).toEqual([]);
});
