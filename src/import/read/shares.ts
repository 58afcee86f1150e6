/** NFS mounts in virtual machines: /etc/fstab, and what is mounted without a line there. */
import type { FoundGuest, FoundShare, FoundShares, ReadIo } from "../found.ts";
import { entriesOn, filesOn } from "./files.ts";
import type { Reader } from "./reader.ts";

const tables = ["/etc/fstab", "/proc/mounts"];

export const readShares: Reader<FoundShares> = async (io, guests) => {
  const machines = guests.filter(({ kind, isRunning }) => kind === "vm" && isRunning);
  const [exports, ...mounts] = await Promise.all([
    exportsOf(io),
    ...machines.map((guest) => mountsOf(io, guest)),
  ]);
  return { exports, mounts: mounts.flat() };
};

/** Directories that exports(5) lists; ZFS writes those of `sharenfs` into exports.d (zfs 2.x). */
async function exportsOf(io: ReadIo): Promise<FoundShares["exports"]> {
  const more = (await entriesOn(io, "pve", "/etc/exports.d")).filter((path) => path.endsWith(".exports"));
  const files = await filesOn(io, "pve", ["/etc/exports", ...more]);
  return [...files].flatMap(([path, { text }]) =>
    text.split("\n").flatMap((row, at) => {
      const [, quoted, plain] = /^\s*(?:"(\/[^"]*)"|(\/\S*))/.exec(row) ?? [];
      const exported = quoted ?? plain;
      if (exported === undefined) return [];
      return [{ path: unescaped(exported), source: { host: "pve" as const, path, line: at + 1 } }];
    }),
  );
}

async function mountsOf(io: ReadIo, { host }: FoundGuest): Promise<readonly FoundShare[]> {
  const files = await filesOn(io, host, tables);
  const found = tables.flatMap((path) =>
    (files.get(path)?.text ?? "").split("\n").flatMap((row, at): readonly FoundShare[] => {
      const [from = "", mountPoint = "", type = ""] = row
        .replace(/^\s*#.*/, "")
        .trim()
        .split(/\s+/)
        .map(unescaped);
      const [, server = "", exported = ""] = /^([^:]+|\[[^\]]+\]):(\/.*)$/.exec(from) ?? [];
      if (!/^nfs4?$/.test(type) || server === "") return [];
      return [{ host, server, path: exported, mountPoint, source: { host, path, line: at + 1 } }];
    }),
  );
  // The kernel lists what fstab declares once more; Docker mounts its volumes by itself.
  const own = found.filter(({ mountPoint }) => !mountPoint.startsWith("/var/lib/docker/"));
  return own.filter((share, at) => own.findIndex(({ mountPoint }) => mountPoint === share.mountPoint) === at);
}

/** fstab(5) writes a space as \040. */
function unescaped(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
