/** IP sets of firewall files as the kernel has them. IPv4 only. */
import type { Installed } from "./installed.ts";

/** A set's name in the kernel, at most 31 characters: longer ones are told apart by a number made of them. */
export function setName(name: string, guest = "0"): string {
  const long = `PVEFW-${guest}-${name}-v4`;
  if (long.length <= 31) return long;
  const sum = [...name].reduce((hash, letter) => (hash * 33 + letter.charCodeAt(0)) % 2 ** 32, 5381);
  return `PVEFW-${guest}-${sum.toString(16)}-v4`;
}

/** For `ipset restore`: each set is made if need be, emptied and filled. */
export function setLines(sets: ReadonlyMap<string, readonly string[]>, { aliases }: Installed): string {
  return [...sets]
    .flatMap(([name, entries]) => [
      `create ${name} hash:net family inet`,
      `flush ${name}`,
      ...entries.flatMap((entry) => {
        const [, not, what = ""] = /^(!)?\s*(?:dc\/)?(\S+)$/.exec(entry) ?? [];
        const resolved = aliases.get(what.toLowerCase()) ?? what;
        return resolved.includes(":")
          ? []
          : [`add ${name} ${resolved}${not === undefined ? "" : " nomatch"}`];
      }),
    ])
    .map((line) => `${line}\n`)
    .join("");
}
