/** The testbed itself, on the smallest fabric: what Proxmox's programs answer, what /etc/pve allows, what the firewall drops. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boot, down, eventually, expectRun, httpStatus, reset, run, unavailable, write } from "./machines.ts";

/** Its server in the testbed takes one client at a time. */
const interfaceOfProxmox = (): Promise<number> =>
  eventually(
    () => httpStatus("client", "https://10.9.0.2:8006/", "--insecure"),
    (status) => status === 200,
  );

describe.skipIf(unavailable !== undefined)("the testbed's hypervisor", () => {
  beforeAll(async () => {
    await boot(join(import.meta.dirname, "tiny.json"));
    // Nobody wants to wait for the firewall's own pace of ten seconds.
    await write("pve", "/etc/testbed/firewall-tick-ms", "200");
    await expectRun("pve", ["systemctl", "restart", "pve-firewall"]);
  }, 1_200_000);
  afterAll(down);

  test("lists its guests in Proxmox's columns", async () => {
    const listed = await expectRun("pve", ["pct", "list"]);
    expect(listed.split("\n")[0]).toBe("VMID       Status     Lock         Name                ");
    expect(listed).toContain("101        running                 Gateway             \n");
    expect(await expectRun("pve", ["qm", "list"])).toMatch(/^ +1001 docker +running +8192 +32\.00 \d+ *$/m);
  });

  test("enters a container with a clean environment, and ends as its command does", async () => {
    const shown = await run(
      "pve",
      ["pct", "exec", "101", "--keep-env", "0", "--", "sh", "-c", "hostname; env; cat; exit 7"],
      "in",
    );
    expect(shown.exitCode).toBe(7);
    expect(shown.stdout).toMatch(/^gateway\n/);
    expect(shown.stdout).toContain("container=lxc\n");
    expect(shown.stdout).not.toContain("LANG=");
    expect(shown.stdout.endsWith("in")).toBe(true);
  });

  test.each([
    [["pct", "exec", "999", "--", "true"], 2, "Configuration file 'nodes/pve/lxc/999.conf' does not exist\n"],
    [["qm", "status", "101"], 2, "Configuration file 'nodes/pve/qemu-server/101.conf' does not exist\n"],
    [
      ["pct", "push", "101", "/etc/hostname", "/no/such/place"],
      0,
      "failed to create file: /no/such/place: No such file or directory\n",
    ],
    [
      ["pct", "status", "x"],
      255,
      "400 Parameter verification failed.\nvmid: type check ('integer') failed - got 'x'\npct status <vmid> [OPTIONS]\n",
    ],
    [["pvesh", "get", "/nowhere"], 1, "No 'get' handler defined for '/nowhere'\n"],
  ])("%j ends with %i", async (argv, exitCode, stderr) => {
    expect(await run("pve", argv)).toMatchObject({ exitCode, stderr });
  });

  test("asks the guest agent, which answers bytes as Latin-1", async () => {
    const answer = await expectRun(
      "pve",
      ["qm", "guest", "exec", "1001", "--pass-stdin", "1", "--", "sh", "-c", "cat; exit 3"],
      "für\n",
    );
    expect(answer).toContain('   "exitcode" : 3,\n   "exited" : 1,\n   "out-data" : "fÃ¼r\\n"');
    const late = await run("pve", ["qm", "guest", "exec", "1001", "--timeout", "1", "--", "sleep", "5"]);
    expect(late.stderr).toBe("timeout reached, returning pid\n");
    expect(late.stdout).toMatch(/^\{\n {3}"pid" : \d+\n\}\n$/);
    expect(late.exitCode).toBe(0);
  });

  test("says what it says of a container that is stopped", async () => {
    await expectRun("pve", ["pct", "stop", "104"]);
    expect(await expectRun("pve", ["pct", "status", "104"])).toBe("status: stopped\n");
    expect(await run("pve", ["pct", "exec", "104", "--", "true"])).toMatchObject({
      exitCode: 255,
      stderr: "container '104' not running!\n",
    });
    await expectRun("pve", ["pct", "start", "104"]);
    expect(
      await eventually(
        () => httpStatus("client", "http://10.9.0.14:8080/"),
        (status) => status === 200,
      ),
    ).toBe(200);
  });

  test("/etc/pve keeps its modes, its size and its locks", async () => {
    const refused = async (script: string) =>
      (await run("pve", ["sh", "-c", `cd /etc/pve && ${script}`])).stderr;
    expect(await refused("chmod 600 storage.cfg")).toContain("Operation not permitted");
    expect(await refused("ln -s storage.cfg link")).toContain("Function not implemented");
    expect(await refused("mkdir priv/lock/t && mkdir priv/lock/t")).toContain("File exists");
    expect(await refused("head -c 1100000 /dev/zero >firewall/large.fw")).toContain("File too large");
    expect(await expectRun("pve", ["stat", "-c", "%a %U:%G %s", "/etc/pve/firewall/large.fw"])).toBe(
      "640 root:www-data 1048576\n",
    );
    const guests = JSON.parse(await expectRun("pve", ["cat", "/etc/pve/.vmlist"]));
    expect(guests.ids).toMatchObject({
      101: { node: "pve", type: "lxc" },
      1001: { node: "pve", type: "qemu" },
    });
  });

  test("a share is one directory, by all its paths", async () => {
    await write("vm-1001", "/persistent/note", "from the guest");
    expect(await expectRun("pve", ["cat", "/tank/vm/1001/note"])).toBe("from the guest");
    expect(await expectRun("pve", ["cat", "/mnt/pve/tank/vm/1001/note"])).toBe("from the guest");
  });

  test("the CA answers with a certificate of the root that the client trusts", async () => {
    const address = ["--resolve", "ca.internal.example.test:9000:10.9.0.13"];
    expect(await httpStatus("client", "https://ca.internal.example.test:9000/health", ...address)).toBe(200);
    const vault = ["--resolve", "vault.internal.example.test:8443:10.9.0.14"];
    expect(await httpStatus("client", "https://vault.internal.example.test:8443/", ...vault)).toBe(200);
    // Proxmox's own certificate is none of that root.
    expect(await httpStatus("client", "https://10.9.0.2:8006/")).toBe(0);
    expect(await interfaceOfProxmox()).toBe(200);
  });

  test("the firewall filters guests by their own files, for others and for the host", async () => {
    const open = {
      gateway: "http://10.9.0.11/",
      mesh: "http://10.9.0.12:8080/api/version",
      notes: "http://10.9.0.14:8080/",
    };
    const [, interfaceText = ""] =
      /^net0: (.*)$/m.exec(await expectRun("pve", ["pct", "config", "104"])) ?? [];
    const unfiltered = interfaceText.replace(",firewall=1", "");
    // What an earlier try has left.
    await expectRun("pve", ["pct", "set", "104", "--net0", unfiltered]);
    await expectRun("pve", ["sh", "-c", "rm -f /etc/pve/firewall/*.fw && pve-firewall restart"]);
    for (const url of Object.values(open)) expect(await httpStatus("client", url)).toBe(200);
    const rules = "[OPTIONS]\nenable: 1\n\n[group web]\nIN ACCEPT -p tcp -dport 80\n";
    await write("pve", "/etc/pve/firewall/101.fw", "[OPTIONS]\nenable: 1\n\n[RULES]\nGROUP web\n");
    for (const id of [102, 104]) await write("pve", `/etc/pve/firewall/${id}.fw`, "[OPTIONS]\nenable: 1\n");
    await write("pve", "/etc/pve/firewall/cluster.fw", rules);

    expect(
      await eventually(
        () => httpStatus("client", open.mesh),
        (status) => status === 0,
      ),
    ).toBe(0);
    expect(await httpStatus("pve", open.mesh)).toBe(0);
    expect(await httpStatus("client", open.gateway)).toBe(200);
    expect(await httpStatus("pve", open.gateway)).toBe(200);
    // The interface of this one is not filtered, whatever its file says, until it is told to be.
    expect(await httpStatus("client", open.notes)).toBe(200);
    await expectRun("pve", ["pct", "set", "104", "--net0", `${unfiltered},firewall=1`]);
    expect(
      await eventually(
        () => httpStatus("client", open.notes),
        (status) => status === 0,
      ),
    ).toBe(0);

    // The host lets its own network in where Proxmox does, and nowhere else.
    expect(await interfaceOfProxmox()).toBe(200);
    expect((await run("client", ["nc", "-z", "-w", "2", "10.9.0.2", "22"])).exitCode).toBe(0);
    expect((await run("client", ["nc", "-z", "-w", "2", "10.9.0.2", "53"])).exitCode).not.toBe(0);
    expect(await expectRun("pve", ["pve-firewall", "status"])).toBe("Status: enabled/running\n");

    await expectRun("pve", ["pve-firewall", "stop"]);
    expect(await httpStatus("client", open.mesh)).toBe(200);
  });

  test("a rule that it cannot read is skipped with a warning", async () => {
    await write(
      "pve",
      "/etc/pve/firewall/cluster.fw",
      "[OPTIONS]\nenable: 0\n[RULES]\nIN DROP -dport 80\nIN DENY\n",
    );
    const { stderr, stdout } = await run("pve", ["pve-firewall", "status"]);
    expect(stderr).toContain("cluster.fw (line 4) - errors in rule parameters: IN DROP -dport 80\n");
    // As pve-firewall 6.0.4 says it: test/cases/firewall.
    expect(stderr).toContain(
      "cluster.fw (line 5) - errors in rule parameters: IN DENY\n  action: unknown action 'DENY'\n",
    );
    expect(stdout).toMatch(/^Status: disabled\//);
  });

  test("a reset brings everything back", async () => {
    await write("lxc-101", "/etc/motd", "changed");
    await write("pve", "/root/note", "changed");
    await reset();
    expect(await expectRun("pve", ["ls", "/root", "/etc/pve/firewall", "/tank/vm/1001"])).not.toMatch(
      /note|\.fw/,
    );
    expect(await run("lxc-101", ["grep", "changed", "/etc/motd"])).toMatchObject({ exitCode: 1 });
  });
});
