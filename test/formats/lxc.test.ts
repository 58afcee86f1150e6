/** The ids of containers: what pve-container 6.1 makes of a configuration, in the product and in the lab. */
import { describe, expect, test } from "vitest";
import { mayAccess, namespaceOf } from "../../lab/user-namespace.ts";
import { idMapOf, idsInside, idsOnDisk } from "../../src/formats/lxc/index.ts";

const own = `arch: amd64
mp0: /tank/101/ssl,mp=/etc/nginx/ssl
unprivileged: 1
lxc.idmap: u 0 100000 65536
lxc.idmap: g 0 100000 33
lxc.idmap: g 33 33 1
lxc.idmap: g 34 100034 65502
`;
const mount = (option: string): string =>
  `mp0: /tank/101,mp=/etc/nginx,idmap=u:0:7:1\nmp1: /tank/101/ssl,mp=/etc/nginx/ssl/,${option}\nunprivileged: 1\n`;

/** What owner the container's root:www-data has on disk, and how the container sees root:www-data of the disk. */
const cases: readonly (readonly [what: string, config: string, onDisk: string, inside: string])[] = [
  ["privileged", "arch: amd64\n", "0:33", "0:33"],
  ["unprivileged: 0", "unprivileged: 0\n", "0:33", "0:33"],
  ["the default map", "unprivileged: 1\n", "100000:100033", "65534:65534"],
  ["a group of the hypervisor", own, "100000:33", "65534:33"],
  ["lxc.idmap without unprivileged", own.replace("unprivileged: 1\n", ""), "100000:33", "65534:33"],
  ["lxc.idmap with an equals sign", own.replaceAll("idmap: ", "idmap = "), "100000:33", "65534:33"],
  [
    "another range",
    "unprivileged: 1\nlxc.idmap: u 0 200000 1000\nlxc.idmap: g 0 300000 1000\n",
    "200000:300033",
    "65534:65534",
  ],
  [
    "a map without the group",
    "lxc.idmap: u 0 200000 1000\nlxc.idmap: g 0 200000 10\n",
    "none",
    "65534:65534",
  ],
  ["a snapshot's map", `unprivileged: 1\n\n[before]\n${own}`, "100000:100033", "65534:65534"],
  ["a mount point that passes ids through", mount("idmap=passthrough"), "0:33", "0:33"],
  ["a mount point with ids of its own", mount("idmap=u:0:0:1;g:33:33:1,backup=1"), "0:33", "0:33"],
  ["a mount point with one group", mount("idmap=g:33:50:2"), "100000:50", "65534:65534"],
  ["a mount point without a map within one that has one", mount("ro=1"), "100000:100033", "65534:65534"],
];

describe("the owner root:www-data", () => {
  test.each(cases)("%s", (_, config, onDisk, inside) => {
    const map = idMapOf(config, "/etc/nginx/ssl/a.key");
    const written = idsOnDisk(map, { uid: 0, gid: 33 });
    expect(written === undefined ? "none" : `${written.uid}:${written.gid}`).toBe(onDisk);
    const seen = idsInside(map, { uid: 0, gid: 33 });
    expect(`${seen.uid}:${seen.gid}`).toBe(inside);
    if (written !== undefined) expect(idsInside(map, written)).toEqual({ uid: 0, gid: 33 });
  });

  test.each(cases)("%s, in the lab", (_, config, onDisk, inside) => {
    const namespace = namespaceOf(config.replace("ssl/,", "ssl,"), "/etc/nginx/ssl");
    const same = { uid: 0, gid: 33 };
    const written = namespace === undefined ? same : namespace.toDisk(same);
    expect(written === undefined ? "none" : `${written.uid}:${written.gid}`).toBe(onDisk);
    const seen = namespace?.toContainer(same) ?? same;
    expect(`${seen.uid}:${seen.gid}`).toBe(inside);
  });
});

test("root of a container reads only files whose owner and group it has", () => {
  const namespace = namespaceOf(own, "/etc/nginx/ssl")!;
  const root = { uid: 0, gid: 0 };
  const key = (uid: number, gid: number, mode: string) => ({ account: { uid, gid }, mode });
  expect(mayAccess(namespace, key(0, 33, "640"), root, 4)).toBe(false);
  expect(mayAccess(namespace, key(0, 33, "644"), root, 4)).toBe(true);
  expect(mayAccess(namespace, key(100_000, 33, "000"), root, 4)).toBe(true);
  expect(mayAccess(namespace, key(100_000, 100_005, "600"), root, 4)).toBe(true);
  const webServer = { uid: 33, gid: 33 };
  expect(mayAccess(namespace, key(100_000, 33, "640"), webServer, 4)).toBe(true);
  expect(mayAccess(namespace, key(100_000, 33, "640"), webServer, 2)).toBe(false);
  expect(mayAccess(namespace, key(100_000, 100_033, "640"), webServer, 4)).toBe(false);
});
