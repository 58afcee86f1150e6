/** DNS against the lab's dnsmasq: converging, drift, files of others, and a candidate that is refused. */
import { describe, expect, test } from "vitest";
import { dns } from "../../src/components/dns/index.ts";
import { wildcardConf } from "../../src/formats/dnsmasq/index.ts";
import { subjectOf } from "../../src/resource.ts";
import { change, newLab, opened, read } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const records = "/etc/phoenix/hosts.d/phoenix.hosts";

const syncDns = async (directory: string) => (await syncLab(directory, labSite, [dns])).components[0];

describe("the name server", () => {
  test("answers for every name, and a second run touches nothing", async () => {
    const directory = await newLab();
    const first = await syncDns(directory);
    expect(first).toMatchObject({ outcome: "changed", activations: [{ kind: "restart", unit: "dnsmasq" }] });
    expect(first?.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(await syncDns(directory)).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
  });

  test("a record that was removed by hand is put back without a restart", async () => {
    const directory = await newLab();
    await syncDns(directory);
    const pve = (await opened(directory)).host("pve");
    const before = await pve.expect(read("cat", records));
    await pve.writeFiles([{ path: records, text: before.split("\n").slice(0, -2).join("\n"), mode: "644" }]);
    const planned = await planLab(directory, labSite, [dns]);
    expect(planned.components[0]?.changes).toMatchObject([
      { verb: "update", desired: { id: "dns/records" } },
    ]);
    expect(await syncDns(directory)).toMatchObject({ outcome: "changed", activations: [] });
    expect(await pve.expect(read("cat", records))).toBe(before);
  });

  test("without a wildcard it has no file of wildcards, and one that is empty is left alone", async () => {
    const directory = await newLab();
    const wildcards = "/etc/dnsmasq.d/phoenix-wildcards.conf";
    const site = {
      ...labSite,
      dns: labSite.dns && {
        ...labSite.dns,
        records: labSite.dns.records.filter(({ name }) => !name.startsWith("*.")),
      },
      services: labSite.services.filter(({ names }) => names.every((name) => !name.startsWith("*."))),
    };
    const first = (await syncLab(directory, site, [dns])).components[0];
    expect(first?.changes.map((change) => subjectOf(change).id)).not.toContain("dns/wildcards");
    const pve = (await opened(directory)).host("pve");
    await pve.writeFiles([{ path: wildcards, text: wildcardConf([]), mode: "644" }]);
    expect((await planLab(directory, site, [dns])).components[0]?.changes).toEqual([]);
  });

  test("options of the administrator's own file stand beside ours", async () => {
    const directory = await newLab();
    const pve = (await opened(directory)).host("pve");
    const own = "/etc/dnsmasq.d/own.conf";
    await pve.writeFiles([{ path: own, text: "local-ttl=5\nneg-ttl=60\n", mode: "644" }]);
    expect(await syncDns(directory)).toMatchObject({ outcome: "changed" });
    expect(await pve.expect(read("cat", own))).toBe("local-ttl=5\nneg-ttl=60\n");
  });

  test("what dnsmasq would refuse together with other files is not put in place", async () => {
    const directory = await newLab();
    const pve = (await opened(directory)).host("pve");
    await pve.writeFiles([{ path: "/etc/dnsmasq.d/own.conf", text: "cache-size=1\n", mode: "644" }]);
    const result = await syncDns(directory);
    expect(result).toMatchObject({ outcome: "failed", changes: [] });
    expect(result?.reason).toContain("illegal repeated keyword at line 1 of /etc/dnsmasq.d/own.conf");
    expect(result?.hint).toContain("/etc/dnsmasq.d");
    expect(await pve.list("/etc/phoenix")).toEqual([]);
    await pve.run(change("rm", "/etc/dnsmasq.d/own.conf"));
    expect(await syncDns(directory)).toMatchObject({ outcome: "changed" });
  });
});
