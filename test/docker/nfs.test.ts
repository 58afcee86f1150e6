/** NFS volumes as binds: what the engine gets, what is shown, what a failure says. */
import { describe, expect, test } from "vitest";
import { asDeclared, bound, boundMounts, inWordsOfNfs } from "../../testbed/docker/nfs.ts";

const servers = "/servers";
const nfs = (device: string, o = "addr=10.0.0.5,rw") => ({
  Name: "v",
  DriverOpts: { type: "nfs", o, device },
});
const deviceOf = (volume: Readonly<Record<string, unknown>>) =>
  (bound(volume, servers).DriverOpts as { device: string }).device;

describe("a volume's creation", () => {
  test.each([
    [nfs(":/export/app"), "/servers/10.0.0.5/export/app"],
    [nfs(":/export/app/"), "/servers/10.0.0.5/export/app"],
    [nfs("10.0.0.6:/x", "rw"), "/servers/10.0.0.6/x"],
    [nfs(":/", "nfsvers=4,addr=nas.example"), "/servers/nas.example"],
    [nfs(":/../../etc"), "/servers/10.0.0.5/etc"],
  ])("%j is bound to %s", (volume, directory) => {
    expect(deviceOf(volume)).toBe(directory);
  });

  test("leaves every other kind alone", () => {
    for (const volume of [{ Name: "a" }, { Name: "b", DriverOpts: { type: "tmpfs", device: "tmpfs" } }])
      expect(bound(volume, servers)).toEqual(volume);
  });

  test("is found in a container's mounts, too", () => {
    const { Name: Source, DriverOpts: Options } = nfs(":/x");
    const mounts = [
      { Type: "bind", Source: "/a", Target: "/a" },
      { Type: "volume", Source, Target: "/x", VolumeOptions: { DriverConfig: { Name: "local", Options } } },
    ];
    const { HostConfig } = boundMounts({ Image: "i", HostConfig: { Mounts: mounts } }, servers);
    expect(HostConfig).toMatchObject({
      Mounts: [mounts[0], { VolumeOptions: { DriverConfig: { Name: "local", Options: { o: "bind" } } } }],
    });
  });
});

test("whoever asks sees what was declared, wherever volumes are in an answer", () => {
  const declared = nfs(":/x");
  const { DriverOpts: Options, Labels } = bound({ ...declared, Labels: { a: "b" } }, servers);
  const shown = { Name: "v", Options: declared.DriverOpts, Labels: { a: "b" } };
  expect(
    asDeclared({
      Volumes: [
        { Name: "v", Options, Labels },
        { Name: "w", Options: null },
      ],
    }),
  ).toEqual({
    Volumes: [shown, { Name: "w", Options: null }],
  });
});

test("a bind that fails is an NFS mount that fails", () => {
  const at = "/var/lib/docker/volumes/v/_data";
  const words = (what: string) => `failed to mount local volume: ${what}: no such file or directory`;
  expect(inWordsOfNfs(words(`mount /servers/10.0.0.5/x:${at}, flags: 0x1000`), servers)).toBe(
    words(`mount :/x:${at}, data: addr=10.0.0.5`),
  );
  const other = words(`mount /elsewhere:${at}, flags: 0x1000`);
  expect(inWordsOfNfs(other, servers)).toBe(other);
});
