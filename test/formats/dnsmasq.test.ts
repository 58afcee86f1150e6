import { describe, expect, test } from "vitest";
import {
  dnsmasqConf,
  hostsFile,
  parseConf,
  parseHostsFile,
  wildcardConf,
} from "../../src/formats/dnsmasq/index.ts";

const options = {
  listen: ["127.0.0.1", "192.0.2.13"],
  domain: "internal.example.net",
  upstreams: ["198.51.100.1"],
  hostsDirectory: "/etc/phoenix/hosts.d",
  localNames: ["nas.home.arpa"],
};

test("a hosts file keeps the order of its records", () => {
  const records = [
    { name: "b.example.net", address: "192.0.2.2" },
    { name: "a.example.net", address: "192.0.2.1" },
  ];
  expect(parseHostsFile(hostsFile(records))).toEqual(records);
});

test("several names on one line and comments are read", () => {
  expect(parseHostsFile("# x\n192.0.2.1 a b # c\n\n")).toEqual([
    { name: "a", address: "192.0.2.1" },
    { name: "b", address: "192.0.2.1" },
  ]);
});

describe("the static configuration", () => {
  const conf = parseConf(dnsmasqConf(options));
  const values = (name: string) => conf.filter(([option]) => option === name).map(([, value]) => value);

  test("D29: names no domain or address but the site's", () => {
    expect(values("listen-address")).toEqual(["127.0.0.1", "192.0.2.13"]);
    expect(values("local")).toEqual(["/internal.example.net/", "/nas.home.arpa/"]);
    expect(values("server")).toEqual(["198.51.100.1"]);
  });

  test("D31: says the same at every sync and coexists with other instances", () => {
    expect(dnsmasqConf(options)).toBe(dnsmasqConf(options));
    expect(values("bind-dynamic")).toEqual([""]);
  });
});

test("a wildcard answers below its name, and its other types are empty rather than absent", () => {
  const conf = wildcardConf([{ name: "*.apps.example.net", address: "192.0.2.9" }]);
  expect(parseConf(conf)).toEqual([
    ["address", "/*.apps.example.net/192.0.2.9"],
    ["local", "/*.apps.example.net/"],
  ]);
});
