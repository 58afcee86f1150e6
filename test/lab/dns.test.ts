/** The lab's dnsmasq answers and complains as dnsmasq 2.90 does. Expected values were measured on the real one. */
import { describe, expect, test } from "vitest";
import { DnsZone } from "../../lab/dns/zone.ts";
import { TransportError } from "../../src/errors.ts";
import { change, newLab, opened } from "./open.ts";

const configuration = `no-resolv
no-hosts
local=/z.test/
host-record=hr.z.test,10.0.0.7
address=/app.z.test/10.0.0.5
address=/w.z.test/10.0.0.6
local=/w.z.test/
address=/*.wild.z.test/10.0.0.8
local=/*.wild.z.test/
cname=al.z.test,hr.z.test
address=/out.test/1.2.3.4`;
const hosts = "10.0.0.9 deep.sub.z.test x.z.test\n10.0.0.10 other.example\n";

const measured: readonly (readonly [string, string])[] = [
  ["hr.z.test A", "NOERROR A=10.0.0.7"],
  ["hr.z.test AAAA", "NOERROR "],
  ["hr.z.test MX", "NOERROR "],
  ["HR.Z.test A", "NOERROR A=10.0.0.7"],
  ["deep.sub.z.test A", "NOERROR A=10.0.0.9"],
  ["sub.z.test A", "NOERROR "],
  ["sub.z.test AAAA", "NOERROR "],
  ["x.z.test AAAA", "NOERROR "],
  ["app.z.test A", "NOERROR A=10.0.0.5"],
  ["app.z.test AAAA", "NXDOMAIN "],
  ["a.app.z.test A", "NOERROR A=10.0.0.5"],
  ["a.app.z.test AAAA", "NXDOMAIN "],
  ["w.z.test A", "NOERROR A=10.0.0.6"],
  ["w.z.test AAAA", "NOERROR "],
  ["b.w.z.test AAAA", "NOERROR "],
  ["wild.z.test A", "NXDOMAIN "],
  ["wild.z.test AAAA", "NXDOMAIN "],
  ["c.wild.z.test A", "NOERROR A=10.0.0.8"],
  ["c.wild.z.test AAAA", "NOERROR "],
  ["d.c.wild.z.test A", "NOERROR A=10.0.0.8"],
  ["al.z.test A", "NOERROR CNAME=hr.z.test A=10.0.0.7"],
  ["al.z.test AAAA", "NOERROR CNAME=hr.z.test"],
  ["none.z.test A", "NXDOMAIN "],
  ["z.test A", "NOERROR "],
  ["out.test A", "NOERROR A=1.2.3.4"],
  ["out.test AAAA", "REFUSED "],
  ["example.org A", "REFUSED "],
  ["other.example A", "NOERROR A=10.0.0.10"],
  ["other.example AAAA", "REFUSED "],
  ["9.0.0.10.in-addr.arpa PTR", "NOERROR PTR=deep.sub.z.test"],
  ["7.0.0.10.in-addr.arpa PTR", "NOERROR PTR=hr.z.test"],
  ["5.0.0.10.in-addr.arpa PTR", "REFUSED "],
];

describe("answers", () => {
  const options = configuration.split("\n").map((line, at) => {
    const [name = "", value = ""] = line.split(/=(.*)/s);
    return { name, value, file: "x", line: at + 1 };
  });
  const zone = new DnsZone(options, [hosts], true);
  test.each(measured)("%s: %s", (question, expected) => {
    const [name = "", type = ""] = question.split(" ");
    const { rcode, answers } = zone.answer(name, type);
    expect(`${rcode} ${answers.map((answer) => `${answer.type}=${answer.data}`).join(" ")}`).toBe(expected);
  });
});

describe("the name server", async () => {
  const world = await opened(await newLab());
  const pve = world.host("pve");
  const ask = (name: string, type: "A" | "AAAA" | "PTR" = "A") =>
    world.network.query("10.0.0.13", name, type);

  test("reads hosts files as they are, and the rest when it starts", async () => {
    await pve.writeFiles([
      {
        path: "/etc/dnsmasq.d/phoenix.conf",
        text: "local=/lab.test/\nno-hosts\nhostsdir=/etc/phoenix/hosts.d\n",
      },
      { path: "/etc/phoenix/hosts.d/phoenix.hosts", text: "10.0.0.153 chat.lab.test\n" },
    ]);
    expect(await ask("chat.lab.test")).toEqual({ rcode: "NXDOMAIN", answers: [] });
    await pve.expect(change("systemctl", "restart", "dnsmasq.service"));
    expect(await ask("chat.lab.test")).toEqual({ rcode: "NOERROR", answers: ["10.0.0.153"] });
    expect(await ask("chat.lab.test", "AAAA")).toEqual({ rcode: "NOERROR", answers: [] });
    await pve.writeFiles([
      { path: "/etc/phoenix/hosts.d/phoenix.hosts", text: "10.0.0.153 talk.lab.test\n" },
    ]);
    expect(await ask("talk.lab.test")).toEqual({ rcode: "NOERROR", answers: ["10.0.0.153"] });
    expect(await ask("chat.lab.test")).toEqual({ rcode: "NXDOMAIN", answers: [] });
    expect(await ask("153.0.0.10.in-addr.arpa", "PTR")).toEqual({
      rcode: "NOERROR",
      answers: ["talk.lab.test"],
    });
  });

  test("reads no file that an editor left behind", async () => {
    await pve.writeFiles([{ path: "/etc/phoenix/hosts.d/old~", text: "10.0.0.1 old.lab.test\n" }]);
    expect((await ask("old.lab.test")).rcode).toBe("NXDOMAIN");
  });

  test("is down after a restart with a bad configuration, and up again with a good one", async () => {
    await pve.writeFiles([{ path: "/etc/dnsmasq.d/bad.conf", text: "# fine\nnonsense\n" }]);
    expect(await ask("talk.lab.test")).toMatchObject({ rcode: "NOERROR" });
    expect(await pve.run(change("systemctl", "restart", "dnsmasq"))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("Job for dnsmasq.service failed"),
    });
    await expect(ask("talk.lab.test")).rejects.toBeInstanceOf(TransportError);
    expect((await pve.run({ argv: ["systemctl", "status", "dnsmasq"], effect: "read" })).stdout).toContain(
      "dnsmasq: bad option at line 2 of /etc/dnsmasq.d/bad.conf",
    );
    await pve.remove(["/etc/dnsmasq.d/bad.conf"]);
    await pve.expect(change("systemctl", "restart", "dnsmasq"));
    expect(await ask("talk.lab.test")).toMatchObject({ rcode: "NOERROR" });
  });

  test("answers on the addresses it listens on", async () => {
    const path = "/etc/dnsmasq.d/listen.conf";
    await pve.writeFiles([{ path, text: "bind-dynamic\nlisten-address=127.0.0.1\n" }]);
    await pve.expect(change("systemctl", "restart", "dnsmasq"));
    await expect(ask("talk.lab.test")).rejects.toBeInstanceOf(TransportError);
    await pve.writeFiles([
      { path, text: "bind-dynamic\nlisten-address=127.0.0.1\nlisten-address=10.0.0.13\n" },
    ]);
    await pve.expect(change("systemctl", "restart", "dnsmasq"));
    expect(await ask("talk.lab.test")).toMatchObject({ rcode: "NOERROR" });
    expect(await world.network.connect("10.0.0.13", 53)).toEqual({ ok: true });
  });

  test("answers over TCP when the answer is long", async () => {
    const lines = Array.from({ length: 60 }, (_, at) => `10.0.1.${at} many.lab.test\n`);
    await pve.writeFiles([{ path: "/etc/phoenix/hosts.d/many", text: lines.join("") }]);
    const route = await world.network.route({ protocol: "tcp", address: "10.0.0.13", port: 53 });
    const { askDns } = await import("../../src/hosts/dns-query.ts");
    const answer = await askDns(route, { name: "many.lab.test", type: "A" }, 1_000);
    expect(answer.answers).toHaveLength(60);
  });
});

describe("dnsmasq --test", async () => {
  const pve = (await opened(await newLab())).host("pve");
  test.each([
    ["address=/x/10.0.0.1\nlocal=/x/\n", 0, "dnsmasq: syntax check OK.\n"],
    ["nonsense\n", 1, "\ndnsmasq: bad option at line 1 of stdin\n"],
    ["# note\naddress=/x/10.0.0.300\n", 1, "\ndnsmasq: Bad address in --address at line 2 of stdin\n"],
    ["address=x/10.0.0.1\n", 1, "\ndnsmasq: Bad address in --address at line 1 of stdin\n"],
    ["host-record=x\n", 1, "\ndnsmasq: Bad host-record at line 1 of stdin\n"],
    ["port=abc\n", 1, "\ndnsmasq: error at line 1 of stdin\n"],
    ["port=70000\n", 1, "\ndnsmasq: error at line 1 of stdin\n"],
    ["port=53\nport=54\n", 1, "\ndnsmasq: illegal repeated keyword at line 2 of stdin\n"],
    ["conf-file=/nope\n", 3, "\ndnsmasq: cannot read /nope: No such file or directory\n"],
    ["conf-dir=/nope\n", 3, "\ndnsmasq: cannot access directory /nope: No such file or directory\n"],
    ["listen-address=1.2.3\n", 1, "\ndnsmasq: error at line 1 of stdin\n"],
    ["listen-address\n", 1, "\ndnsmasq: missing parameter at line 1 of stdin\n"],
    ["domain-needed=1\n", 1, "\ndnsmasq: extraneous parameter at line 1 of stdin\n"],
    ["server=1.2.3.4.5\n", 1, "\ndnsmasq: Name or service not known at line 1 of stdin\n"],
    ["server=8.8.8.8#99999\n", 1, "\ndnsmasq: bad port at line 1 of stdin\n"],
    ['"quoted\n', 1, '\ndnsmasq: missing " at line 1 of stdin\n'],
    ["hostsdir=/nope\n", 0, "dnsmasq: syntax check OK.\n"],
    ["rebind-domain-ok=/x/\nlog-queries\nlog-queries\n", 0, "dnsmasq: syntax check OK.\n"],
  ])("%j: exit %i", async (stdin, exitCode, stderr) => {
    const result = await pve.run({ argv: ["dnsmasq", "--test", "--conf-file=-"], stdin, effect: "read" });
    expect(result).toEqual({ exitCode, stdout: "", stderr });
  });
});
