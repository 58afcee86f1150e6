/** This machine keeps the host contract. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { localExec } from "../../src/hosts/local.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { hostContract } from "./host.ts";

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))));

hostContract(
  "local",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "phoenix-host-"));
    directories.push(directory);
    return { host: createHost("pve", localExec(new AbortController().signal)), directory };
  },
  { root: process.getuid?.() === 0 },
);
