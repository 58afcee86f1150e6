/** Labs of hosts that nobody declared: programs answer from the files of test/cases/import, as those hosts would. */
import { describe, expect, test } from "vitest";
import { hostLab, opened, read } from "./open.ts";

describe("a hand-made host", async () => {
  const world = await opened(await hostLab("adguard-npm"));
  const said = async (host: Parameters<typeof world.host>[0], ...argv: string[]) =>
    (await world.host(host).run(read(...argv))).stdout;

  test("has its guests", async () => {
    expect(await said("pve", "pct", "list")).toContain("102        running                 npm");
    expect(await said("pve", "qm", "list")).toContain("201 haos");
    expect(await said("pve", "pct", "config", "101")).toContain("ip=192.168.10.21/24");
    expect(await said("pve", "ip", "-j", "addr")).toContain('"local":"192.168.10.10"');
    expect(
      JSON.parse(await said("pve", "qm", "guest", "cmd", "201", "network-get-interfaces")),
    ).toMatchObject([
      { name: "lo" },
      { name: "ens18", "ip-addresses": [{ "ip-address": "192.168.10.31", prefix: 24 }] },
    ]);
  });

  test("has what runs in them", async () => {
    expect(await said("lxc/102", "nginx", "-T")).toContain("server_name vault.casa.lan;");
    expect(await said("lxc/101", "systemctl", "is-active", "AdGuardHome")).toBe("active\n");
    expect(await said("lxc/101", "ss", "-Hlntup")).toMatch(/:53 .*AdGuardHome/);
    expect(await said("lxc/102", "ss", "-Hlntup")).toMatch(/0\.0\.0\.0:80 .*nginx/);
    expect(await said("lxc/103", "ss", "-Hlntup")).toMatch(/:8000 .*vaultwarden/);
    expect((await world.network.connect("192.168.10.22", 80)).ok).toBe(true);
  });

  test("has containers that were started by hand, and stacks that somebody made in Portainer", async () => {
    const byHand = await opened(await hostLab("portainer-by-hand"));
    const run = async (host: "vm/311" | "vm/312", ...argv: string[]) =>
      (await byHand.host(host).run(read(...argv))).stdout;
    expect(await run("vm/311", "docker", "ps", "--format", "{{.Names}}")).toBe(
      "portainer\nbeside-beside-1\nmedia-jellyfin-1\nmedia-vpn-1\n",
    );
    expect(await run("vm/312", "docker", "ps", "--format", "{{.Names}}")).toContain("paperless-web-1\n");
    expect(await run("vm/311", "ss", "-Hlntup")).toMatch(/:8180 .*docker-proxy/);
  });
});
