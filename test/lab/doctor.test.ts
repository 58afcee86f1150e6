/** `phoenix doctor` in the lab: nothing to say of a good host, every planted fault once, safe fixes after a question. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Site } from "../../src/model.ts";
import { outputSchemas } from "../../src/render/output-schemas.ts";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { faultsOf } from "../json-schema.ts";
import { change, hostLab, newDirectory, newLab, opened } from "./open.ts";

const examples = join(import.meta.dirname, "../../examples");
const siteOf = async (name: string): Promise<Site> => {
  const { site } = await loadSite(join(examples, name));
  if (site === undefined) throw new Error(`${name} has errors`);
  return site;
};
const site = await siteOf("homelab");

interface Said {
  readonly code: number | null;
  readonly stderr: string;
  readonly findings: readonly {
    readonly machine: string;
    readonly prerequisite: string;
    readonly severity: string;
    readonly message: string;
    readonly command?: string;
    readonly safe?: true;
  }[];
  readonly asked: number;
}

async function doctor(lab: string, ...args: readonly string[]): Promise<Said> {
  const { code, stdout, stderr } = await call(["--lab", lab, "doctor", "--output", "json", ...args]);
  const document = JSON.parse(stdout);
  expect(faultsOf(outputSchemas["output-doctor"], document)).toEqual([]);
  return { code, stderr, ...document };
}

const keys = ({ findings }: Said): readonly string[] =>
  findings.map(({ machine, prerequisite }) => `${machine} ${prerequisite}`);

/** A lab of the example, and what an administrator did to it. */
async function labWith(
  damage: (run: (host: string, ...argv: string[]) => Promise<unknown>, edit: Edit) => Promise<unknown>,
) {
  const lab = await newLab(site);
  const world = await opened(lab);
  const run = (host: string, ...argv: string[]) => world.host(host as "pve").run(change(...argv));
  const edit: Edit = async (host, path, from, to) => {
    const pve = world.host(host as "pve");
    const text = (await pve.readFiles([path])).get(path)?.text ?? "";
    if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
    await pve.writeFiles([{ path, text: text.replace(from, to) }]);
  };
  await damage(run, edit);
  return lab;
}

type Edit = (host: string, path: string, from: string, to: string) => Promise<void>;

test.each(readdirSync(examples))("%s: nothing is wrong, before the first sync and after it", async (name) => {
  const lab = await newLab(await siteOf(name));
  expect(await doctor(lab)).toMatchObject({ code: 0, findings: [] });
  expect(await call(["--lab", lab, "sync", "all"])).toMatchObject({ code: 0 });
  const text = await call(["--lab", lab, "doctor"]);
  expect(text.stdout).toMatch(
    /^Ready for a sync: everything is as it must be · \d+ questions to \d+ machines? · /,
  );
});

describe("a host with many faults", () => {
  let lab: string;
  let said: Said;
  beforeAll(async () => {
    lab = await labWith(async (run, edit) => {
      await run("pve", "apt-get", "install", "-y", "unbound");
      await run("lxc/210", "systemctl", "stop", "nginx");
      await edit("lxc/211", "/etc/traefik/traefik.yml", "/etc/traefik/dynamic", "/etc/traefik/conf.d");
      await edit("lxc/212", "/etc/resolv.conf", "192.168.40.2", "1.1.1.1");
      await edit("pve", "/etc/pve/nodes/pve/lxc/220.conf", ",firewall=1", "");
      await edit("pve", "/etc/pve/nodes/pve/lxc/221.conf", "hostname: photos", "hostname: pictures");
      await edit("pve", "/etc/pve/nodes/pve/lxc/223.conf", "192.168.40.23", "192.168.40.99");
      await edit(
        "pve",
        "/etc/exports",
        "/tank/vm-persistent-data/310 192.168.40.30",
        "/tank/vm-persistent-data/310 192.168.40.77",
      );
      await run("pve", "exportfs", "-ra");
      await run("vm/310", "systemctl", "stop", "docker");
      await run("pve", "pct", "stop", "222");
      await edit("pve", "/etc/pve/nodes/pve/qemu-server/312.conf", "agent: 1\n", "");
    });
    said = await doctor(lab);
  });

  test("each is found once, on its machine, and nothing else is", () => {
    expect(said.code).toBe(1);
    expect(keys(said)).toEqual([
      "pve nfs-exports",
      "pve foreign-dns",
      "lxc/210 nginx-runs",
      "lxc/211 traefik-configuration",
      "lxc/212 nameservers",
      "lxc/220 guest-filtered",
      "lxc/221 guest-name",
      "lxc/222 guest-runs",
      "lxc/223 guest-address",
      "vm/310 docker-runs",
      "vm/312 guest-agent",
    ]);
    expect(said.findings.filter(({ command }) => command === undefined)).toEqual([]);
  });

  test("only what the selected components need is asked", async () => {
    const dns = await doctor(lab, "--only", "dns");
    expect(keys(dns)).toContain("pve foreign-dns");
    expect(keys(dns)).not.toContain("lxc/210 nginx-runs");
    expect(keys(await doctor(lab, "--skip", "nginx,firewall"))).not.toContain("lxc/210 nginx-runs");
  });

  test("the screen has a line for each, and its command", async () => {
    const { stdout } = await call(["--lab", lab, "doctor"]);
    expect(stdout).toContain(
      "lxc/210 (gateway)\n  ! nginx does not run\n    $ pct exec 210 -- systemctl enable --now nginx   # --fix\n",
    );
    expect(stdout).toMatch(/\n10 errors, 1 warning · /);
    expect(stdout).toMatch(/`phoenix doctor --fix --lab \S+` runs the 2 marked --fix\. \(exit 1\)\n$/);
  });

  test("--fix without a terminal says what it would do, and refuses", async () => {
    const { code, stderr } = await call(["--lab", lab, "doctor", "--fix"]);
    expect(code).toBe(5);
    expect(stderr).toContain("$ pct exec 210 -- systemctl enable --now nginx");
    expect(stderr).toContain("hint: --yes answers the question");
    expect(keys(await doctor(lab))).toEqual(keys(said));
  });

  test("--fix asks, and does nothing without a yes; with it, what is safe", async () => {
    const refused = await call(["--lab", lab, "doctor", "--fix"], {}, async () => "n");
    expect(refused).toMatchObject({ code: 5 });
    expect(refused.stderr).toContain("Run these 2 commands? [y/N]");
    const fixed = await call(["--lab", lab, "doctor", "--fix"], {}, async () => "y");
    expect(fixed).toMatchObject({ code: 1 });
    const left = keys(said).filter((key) => !/nginx-runs|docker-runs/.test(key));
    expect(keys(await doctor(lab))).toEqual(left);
  });
});

describe("one cause is one line", () => {
  test("a virtual machine that is down", async () => {
    const lab = await newLab(site);
    await call(["--lab", lab, "lab", "break", "guest-down", "vm/311"]);
    expect(keys(await doctor(lab))).toEqual(["vm/311 guest-runs"]);
  });

  test("a guest that is not there, or is of the other kind", async () => {
    const lab = await labWith(async (run) => run("pve", "rm", "/etc/pve/nodes/pve/lxc/210.conf"));
    expect(keys(await doctor(lab))).toEqual(["lxc/210 guest-exists"]);
  });

  test("/etc/pve that is not mounted", async () => {
    const lab = await labWith(async (run) => run("pve", "rm", "/etc/pve/.version"));
    expect(keys(await doctor(lab))).toEqual(["pve cluster-files"]);
  });
});

test("commands of faults on one interface may be run in any order", async () => {
  const damaged = () =>
    labWith(async (_, edit) => {
      await edit("pve", "/etc/pve/nodes/pve/lxc/220.conf", ",firewall=1", "");
      await edit("pve", "/etc/pve/nodes/pve/lxc/220.conf", "192.168.40.20", "192.168.40.99");
    });
  for (const isReversed of [false, true]) {
    const lab = await damaged();
    const { findings } = await doctor(lab);
    expect(findings.map(({ prerequisite }) => prerequisite)).toEqual(["guest-address", "guest-filtered"]);
    const pve = (await opened(lab)).host("pve");
    for (const { command = "" } of isReversed ? findings.toReversed() : findings)
      await pve.expect(change(...command.split(" ")));
    expect(await doctor(lab)).toMatchObject({ code: 0, findings: [] });
  }
});

test("a guest that nothing is declared in is no error, whatever keeps it from being asked", async () => {
  const dns = await siteOf("dns-only");
  const [guest] = dns.guests;
  if (guest === undefined) throw new Error("dns-only has no guest");
  const lab = await newLab(dns);
  await call(["--lab", lab, "lab", "break", "guest-down", guest.host]);
  const { code, findings } = await doctor(lab);
  expect(code).toBe(0);
  expect(findings).toMatchObject([{ machine: guest.host, prerequisite: "guest-runs", severity: "warning" }]);
  expect(await call(["--lab", lab, "sync", "all"])).toMatchObject({ code: 0 });
});

test("a line of somebody else's that stays is no fault once the site is in place", async () => {
  const lab = await newLab(await siteOf("dns-only"));
  const pve = (await opened(lab)).host("pve");
  await pve.writeFiles([{ path: "/etc/dnsmasq.d/own.conf", text: "listen-address=127.0.0.1\n" }]);
  const before = await doctor(lab);
  expect(keys(before)).toEqual(["pve foreign-dns"]);
  // A command of Phoenix works on the same machines.
  expect(before.findings[0]?.command).toBe(`phoenix sync dns --allow adopt --lab ${lab}`);
  expect(await call(["--lab", lab, "sync", "all", "--allow", "adopt"])).toMatchObject({ code: 0 });
  expect(await doctor(lab)).toMatchObject({ code: 0, findings: [] });
});

test("what a sync is refused for without anything foreign in its way is told", async () => {
  const lab = await newLab(await siteOf("firewall-only"));
  const pve = (await opened(lab)).host("pve");
  const text = "[OPTIONS]\nenable: 1\n\n[RULES]\nIN DROP -p tcp -dport 22\n";
  await pve.writeFiles([{ path: "/etc/pve/firewall/cluster.fw", text }]);
  expect(await call(["--lab", lab, "sync", "all"])).toMatchObject({ code: 5 });
  const { code, findings } = await doctor(lab);
  expect(code).toBe(1);
  expect(findings).toMatchObject([{ machine: "pve", prerequisite: "consents" }]);
  expect(findings[0]?.message).toContain("IN DROP -p tcp -dport 22");
});

test("a command for a guest of another node says so", async () => {
  const lab = await hostLab("cluster");
  const directory = join(await newDirectory(), "site");
  await call(["import", directory, "--lab", lab]);
  const pve = (await opened(lab)).host("pve");
  const path = "/etc/pve/nodes/pve2/lxc/211.conf";
  const text = (await pve.readFiles([path])).get(path)?.text ?? "";
  await pve.writeFiles([{ path, text: text.replace("10.90.0.11", "10.90.0.99") }]);
  const { findings } = await doctor(lab, "--site", directory);
  expect(findings.filter(({ machine }) => machine === "lxc/211")).toMatchObject([
    {
      prerequisite: "guest-address",
      command: expect.stringMatching(/^ssh root@pve2 'pct set 211 --net0 \S+,ip=10\.90\.0\.11\/24,\S+'$/),
    },
  ]);
});
