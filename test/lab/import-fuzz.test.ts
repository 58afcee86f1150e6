/** Import never fails, whatever the files of a host are: cut off, garbled, in another encoding, gone, or not files at all. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { call } from "../cli/edge.ts";
import { hostLab, newDirectory } from "./open.ts";

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Damage = (path: string, bytes: Buffer, random: () => number) => void;

const at = (bytes: Buffer, random: () => number): number => Math.floor(random() * (bytes.length + 1));
const inserted = (bytes: Buffer, where: number, more: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, where), more, bytes.subarray(where)]);

const damages: Readonly<Record<string, Damage>> = {
  "is gone": (path) => rmSync(path),
  "is empty": (path) => writeFileSync(path, ""),
  "ends in the middle": (path, bytes, random) => writeFileSync(path, bytes.subarray(0, at(bytes, random))),
  "begins in the middle": (path, bytes, random) => writeFileSync(path, bytes.subarray(at(bytes, random))),
  "has a byte that is another": (path, bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let count = 0; count < 4 && copy.length > 0; count += 1)
      copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
    writeFileSync(path, copy);
  },
  "has no UTF-8": (path, bytes, random) =>
    writeFileSync(path, inserted(bytes, at(bytes, random), Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x00]))),
  "is UTF-16": (path, bytes) =>
    writeFileSync(path, Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(bytes.toString(), "utf16le")])),
  "has line ends of Windows": (path, bytes) =>
    writeFileSync(path, `\ufeff${bytes.toString().replace(/\n/g, "\r\n")}`),
  "has brackets": (path, bytes, random) =>
    writeFileSync(path, inserted(bytes, at(bytes, random), Buffer.from("}]){[(\"'`"))),
  "has a long line": (path, bytes, random) =>
    writeFileSync(path, inserted(bytes, at(bytes, random), Buffer.alloc(200_000, "a"))),
  "has its lines twice": (path, bytes) => writeFileSync(path, Buffer.concat([bytes, bytes])),
  "has its lines backwards": (path, bytes) =>
    writeFileSync(path, bytes.toString().split("\n").reverse().join("\n")),
  "is a directory": (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  "is a link to nothing": (path) => {
    rmSync(path);
    symlinkSync("/nowhere/at/all", path);
  },
  "is a link to itself": (path) => {
    rmSync(path);
    symlinkSync(path.slice(path.lastIndexOf("/") + 1), path);
  },
};

/** Files whose damage would stop the lab itself, as it would stop a machine: nobody can log in there. */
const essential = /\/etc\/(passwd|group|hostname)$|\/etc\/pve\/\.(members|vmlist|version)$|\/portainer\.db$/;

const names = readdirSync("test/cases/import");
const seeds = Number(process.env.PHOENIX_FUZZ ?? 25);
const first = Number(process.env.PHOENIX_FUZZ_FIRST ?? 1);

test.each(Array.from({ length: seeds }, (_, index) => first + index))("seed %i", async (seed) => {
  const random = numbers(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const name = names[seed % names.length] ?? "";
  const lab = await hostLab(name);
  const hosts = join(lab, "hosts");
  const files = readdirSync(hosts, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !essential.test(path))
    .sort();
  const done: string[] = [];
  for (let count = 0; count < 4; count += 1) {
    const path = pick(files);
    // pmxcfs keeps plain files alone.
    const what = pick(
      Object.keys(damages).filter((each) => !path.includes("/etc/pve/") || !each.startsWith("is a ")),
    );
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue;
    damages[what]?.(path, readFileSync(path), random);
    done.push(`${relative(hosts, path)} ${what}`);
  }
  const { code, stdout, stderr } = await call(["import", join(await newDirectory(), "site"), "--lab", lab]);
  expect(`${stdout}${stderr}`, done.join("\n")).not.toContain("internal error");
  expect([0, 2], `${name}\n${done.join("\n")}\n${stderr}`).toContain(code);
});
