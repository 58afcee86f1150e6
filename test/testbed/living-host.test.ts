/**
 * The example site on a host that already lives (living-host/ beside this file): an administrator's dnsmasq, firewall, Nginx site,
 * Portainer, stack and crashing container, in containers that are unprivileged, have a map of their own, or are privileged.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { livingSite } from "./living-site.ts";
import { boot, down, eventually, expectRun, httpStatus, run, say, unavailable, write } from "./machines.ts";
import { converge, hurry, phoenix, siteIn } from "./phoenix.ts";
import { containersOf, realityOf } from "./reality.ts";
import { serverSentEvents, upload, websocket } from "./streams.ts";

/** How often an update that crashes is tried. */
const crashes = 3;

const house = join(import.meta.dirname, "living-host");

interface PlanShown {
  readonly components: readonly {
    readonly component: string;
    readonly hazards: readonly {
      readonly consent?: string;
      readonly foreign?: { readonly host: string; readonly name: string };
    }[];
  }[];
}

/** What is foreign, in the words of the plan: "/etc/dnsmasq.d/lan.conf:3 on pve". */
async function foreignIn(why: string): Promise<readonly string[]> {
  const { stdout, stderr } = await phoenix(why, "plan", "all", "--output", "json");
  if (!stdout.startsWith("{")) throw new Error(stderr);
  const { components } = JSON.parse(stdout) as PlanShown;
  return components.flatMap(({ hazards }) =>
    hazards.flatMap(({ foreign }) => (foreign === undefined ? [] : [`${foreign.name} on ${foreign.host}`])),
  );
}

/** Every foreign thing, as it is: files with their content, containers with their ids. */
async function foreignThings(): Promise<Readonly<Record<string, string>>> {
  const files = {
    dnsmasq: ["pve", "/etc/dnsmasq.d/lan.conf"],
    firewall: ["pve", "/etc/pve/firewall/cluster.fw"],
    nginx: ["lxc-210", "/etc/nginx/sites-enabled/house"],
    stack: ["vm-312", "/root/queue/compose.yaml"],
  } as const;
  const texts = Object.entries(files).map(
    async ([name, [machine, path]]) => [name, await expectRun(machine, ["cat", path])] as const,
  );
  const containers = (["vm-310", "vm-311", "vm-312"] as const).map(
    async (machine) =>
      [
        machine,
        (await containersOf(machine))
          .filter(({ name }) => ["portainer", "importer", "queue-redis-1"].includes(name))
          .map(({ name, id }) => `${name} ${id}`)
          .join("\n"),
      ] as const,
  );
  return Object.fromEntries(await Promise.all([...texts, ...containers]));
}

describe.skipIf(unavailable !== undefined)("the example site on a host that already lives", () => {
  let site: WholeSite;
  const root = livingSite();
  beforeAll(async () => {
    say("booting the example site on a host that already lives …");
    site = await siteIn(root);
    await boot(root, house);
    await hurry();
  });
  afterAll(async () => {
    await down();
    rmSync(root, { recursive: true });
  });

  test("containers are in the user namespaces that their configurations say", async () => {
    const first = async (machine: "lxc-210" | "lxc-212" | "lxc-220") =>
      (await expectRun(machine, ["cat", "/proc/self/uid_map"])).trim().split(/\s+/)[1];
    expect([await first("lxc-210"), await first("lxc-212"), await first("lxc-220")]).toEqual([
      "100000",
      "200000",
      "0",
    ]);
  });

  test("the first plan names every foreign thing", async () => {
    const found = (await foreignIn("nothing is ours yet")).join("\n");
    for (const name of [
      "/etc/dnsmasq.d/lan.conf:2 on pve",
      "/etc/dnsmasq.d/lan.conf:3 on pve",
      "/etc/dnsmasq.d/lan.conf:6 on pve",
      "container portainer on vm/310",
      "/etc/nginx/sites-enabled/house:2 on lxc/210",
      "Compose project queue on vm/312",
    ])
      expect(found).toContain(name);
  });

  test("without consent a sync changes nothing that is foreign, and ends with 5", async () => {
    const before = await foreignThings();
    const { exitCode } = await phoenix("without consent", "sync", "all");
    expect(exitCode).toBe(5);
    expect(await foreignThings()).toEqual(before);
  }, 600_000);

  test("with consent it converges", async () => {
    const { exitCode, stdout, stderr } = await phoenix("with consent", "sync", "all", "--allow", "adopt");
    expect(exitCode, stdout + stderr).toBe(0);
  }, 900_000);

  test("a second sync changes nothing", async () => {
    const before = await realityOf(site);
    expect(await converge("nothing is to be done")).toContain("0 created, 0 updated, 0 deleted");
    expect(await realityOf(site)).toEqual(before);
  }, 300_000);

  test("the administrator's rules stay in force, and the external network that nobody made is there", async () => {
    const rules = await expectRun("pve", ["cat", "/etc/pve/firewall/cluster.fw"]);
    expect(rules).toContain("IN SSH(ACCEPT) -source 192.168.40.0/24\n");
    // Behind the catch-all ours would be dead.
    expect(rules).toMatch(/-dport 53 # managed by phoenix.*\nIN DROP # and nothing else\n/s);
    const networks = await expectRun("vm-311", ["docker", "network", "ls", "--format", "{{.Name}}"]);
    expect(networks.split("\n")).toContain("house");
  });

  test("the image of the registry with a password was pulled, and the password is nowhere on the machine", async () => {
    const [notes] = (await containersOf("vm-312")).filter(({ service }) => service === "notes");
    expect(notes?.state).toBe("running");
    const grep = await run("vm-312", [
      "grep",
      "-rl",
      "what-the-house-knows",
      "/root",
      "/etc/phoenix",
      "/persistent-storage",
    ]);
    expect(grep.stdout).toBe("");
  });

  test("Nginx's key is root:www-data in its container, and other ids on the hypervisor's disk", async () => {
    const [first] = site.certificates;
    const ids = (machine: "pve" | "lxc-210", path: string) =>
      expectRun(machine, ["stat", "--format", "%a %u:%g", path]);
    expect(await ids("lxc-210", "/etc/nginx/ssl/gateway.key")).toBe("640 0:33\n");
    expect(await ids("pve", first?.keyPath ?? "")).toBe("640 100000:100033\n");
  });

  test("the container that crashes is left to its owner", async () => {
    const [importer] = (await containersOf("vm-311")).filter(({ name }) => name === "importer");
    expect(importer?.state).toMatch(/restarting|running|exited/);
  });

  describe("through the gateway and the mesh", () => {
    test("a websocket and server-sent events last a minute, and an upload of 200 MB arrives", async () => {
      const [socket, events, sent] = await Promise.all([
        websocket("git.oak.home.arpa", 62),
        serverSentEvents("ollama.oak.home.arpa", 60),
        upload("photos.oak.home.arpa", 200),
      ]);
      expect(socket).toEqual({ echoes: ["hello", "still there"] });
      expect(events).toMatchObject({ status: 200, events: 60 });
      expect(events.longestGapMs).toBeLessThan(5_000);
      expect(events.lastedMs).toBeGreaterThan(59_000);
      expect(sent).toEqual({ status: 200, bytes: 200 * 1024 * 1024, same: true });
    }, 180_000);
  });

  test("an update whose container crashes ends with 7 and the previous stack, again and again", async () => {
    const path = "/usr/local/phoenix_hypervisor/stacks/status/docker-compose.yml";
    const good = await expectRun("pve", ["cat", path]);
    const restart = "    restart: unless-stopped\n";
    for (let tried = 0; tried < crashes; tried += 1) {
      const environment = `    environment:\n      TRIED: "${tried}"\n`;
      await write(
        "pve",
        path,
        good.replace(restart, `${restart}    entrypoint: ["/bin/false"]\n${environment}`),
      );
      const { exitCode, stdout, stderr } = await phoenix("an update that crashes", "sync", "stacks/status");
      expect(exitCode, stdout + stderr).toBe(7);
      const own = (await containersOf("vm-311")).filter(({ project }) => project === "status");
      expect(own.map(({ service, state }) => `${service} ${state}`)).toEqual(["uptime running"]);
      const url = "https://uptime.oak.home.arpa/status/home";
      expect(
        await eventually(
          () => httpStatus("client", url),
          (status) => status === 200,
        ),
      ).toBe(200);
    }
    await write("pve", path, good);
    expect(await converge("the previous file is back")).toContain("0 created, 0 updated, 0 deleted");
  }, 900_000);
});
