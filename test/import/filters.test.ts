/** AdGuard Home's and Pi-hole's own lists of names: which become records, and which are told. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FileState } from "../../src/hosts/host.ts";
import type { Left, ReadIo } from "../../src/import/found.ts";
import { readAdguard } from "../../src/import/read/adguard.ts";
import { readPihole, tomlTexts } from "../../src/import/read/pihole.ts";

/** A machine that has these files. */
function machine(files: Readonly<Record<string, string>>) {
  const left: Left[] = [];
  const readFiles = async (paths: readonly string[]) =>
    new Map(
      paths.flatMap((path) => {
        const text = files[path];
        return text === undefined ? [] : [[path, { text } as FileState] as const];
      }),
    );
  const io = { host: () => ({ readFiles }), left: (one: Left) => void left.push(one) };
  return { io: io as unknown as ReadIo, left };
}

const planted = (name: string, path: string) => readFileSync(`test/cases/import/${name}/${path}`, "utf8");
const named = (records: readonly { readonly name: string; readonly address: string }[] = []) =>
  records.map(({ name, address }) => `${name} ${address}`);

test("AdGuard Home's rewrites with an address are records, wildcards among them", async () => {
  const path = "/opt/AdGuardHome/AdGuardHome.yaml";
  const { io, left } = machine({ [path]: planted("adguard-npm", `lxc-101${path}`) });
  const server = await readAdguard(io, "lxc/101", true);
  expect(named(server?.records)).toEqual([
    "vault.casa.lan 192.168.10.22",
    "home.casa.lan 192.168.10.22",
    "printer.casa.lan 192.168.10.40",
    "*.apps.casa.lan 192.168.10.22",
    "scanner.casa.lan 192.168.10.40",
  ]);
  expect(server?.records[0]?.source).toEqual({ host: "lxc/101", path, line: 49 });
  expect(left.map(({ what }) => what)).toEqual([
    "https://dns10.quad9.net/dns-query",
    "[/fritz.box/]192.168.10.1",
    "www.casa.lan -> home.casa.lan",
    "ads.casa.lan -> A",
    "v6.casa.lan -> fd00:10::22",
  ]);
});

test("AdGuard Home's older place of rewrites, and one that is switched off", async () => {
  const { io, left } = machine({
    "/etc/AdGuardHome/AdGuardHome.yaml":
      "dns:\n  rewrites:\n    - domain: A.lan\n      answer: 10.0.0.1\n    - {domain: b.lan, answer: 10.0.0.2, enabled: false}\n    - 3\n",
  });
  expect(named((await readAdguard(io, "pve", true))?.records)).toEqual(["a.lan 10.0.0.1"]);
  expect(left).toMatchObject([{ what: "b.lan -> 10.0.0.2", reason: "the rewrite is switched off" }]);
});

test.each(["dns: [", "", "\0\0", "- a\n- b\n", "filtering:\n  rewrites: no\nuser_rules: 7\n"])(
  "AdGuard Home's file is %j",
  async (text) => {
    const { io } = machine({ "/opt/AdGuardHome/AdGuardHome.yaml": text });
    expect(named((await readAdguard(io, "pve", true))?.records)).toEqual([]);
  },
);

test("Pi-hole 6", async () => {
  const path = "/etc/pihole/pihole.toml";
  const { io, left } = machine({ [path]: planted("pihole", `lxc-200${path}`) });
  expect(named((await readPihole(io, "lxc/200", true)).records)).toEqual([
    "nas.hole.example 192.168.5.10",
    "cam1.hole.example 192.168.5.11",
    "cam-front.hole.example 192.168.5.11",
    "wild.hole.example 192.168.5.10",
    "*.wild.hole.example 192.168.5.10",
  ]);
  expect(left.map(({ what }) => what)).toEqual([
    "files.hole.example,nas.hole.example",
    "media.hole.example,nas.hole.example,300",
    "9.9.9.9",
    "149.112.112.112",
    "fd00:5::10 nas.hole.example",
  ]);
});

test("Pi-hole 5", async () => {
  const [hosts, aliases] = ["/etc/pihole/custom.list", "/etc/dnsmasq.d/05-pihole-custom-cname.conf"];
  const { io, left } = machine({
    [hosts]: planted("pihole", `lxc-201${hosts}`),
    [aliases]: planted("pihole", `lxc-201${aliases}`),
  });
  expect(named((await readPihole(io, "lxc/201", true)).records)).toEqual([
    "old-nas.hole.example 192.168.5.20",
    "old-tv.hole.example 192.168.5.21",
  ]);
  expect(left).toMatchObject([
    { source: { path: aliases, line: 1 }, what: "cname=old-files.hole.example,old-nas.hole.example" },
  ]);
});

test("a list in TOML", () => {
  const toml =
    '[dns]\nhosts = [ "a ] # b", "c\\"d" ] # "e"\n[dhcp]\nhosts = [\n  "f", # "g"\n  "h"\n]\n"i"\n';
  expect(tomlTexts(toml, "dns", "hosts").map(({ text }) => text)).toEqual(["a ] # b", 'c"d']);
  expect(tomlTexts(toml, "dhcp", "hosts")).toEqual([
    { text: "f", line: 5 },
    { text: "h", line: 6 },
  ]);
  expect(tomlTexts(toml, "dns", "upstreams")).toEqual([]);
});
