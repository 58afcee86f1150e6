/**
 * A hypervisor behind ssh keeps the host contract: always behind a stand-in for the ssh program, and behind a real one
 * where PHOENIX_TEST_SSH names a machine ("root@pve") that may get files under /tmp.
 */
import { afterAll } from "vitest";
import { createHost } from "../../src/hosts/script-host.ts";
import { openSsh, type Ssh } from "../../src/hosts/ssh.ts";
import { fakeSsh } from "../hosts/fake-ssh.ts";
import { hostContract } from "./host.ts";

const real = process.env.PHOENIX_TEST_SSH;
const opened: { ssh: Ssh; directory: string }[] = [];
const fake = real === undefined ? fakeSsh() : undefined;
if (fake !== undefined) process.env.PATH = `${fake.directory}:${process.env.PATH}`;

afterAll(async () => {
  for (const { ssh, directory } of opened) {
    await ssh.exec({ argv: ["rm", "-rf", "--", directory], effect: "change" });
    await ssh.close();
  }
  fake?.remove();
});

hostContract(
  real === undefined ? "ssh" : `ssh ${real}`,
  async () => {
    const ssh = openSsh(real ?? "root@pve", new AbortController().signal);
    const host = createHost("pve", ssh.exec);
    const directory = (await host.expect({ argv: ["mktemp", "-d"], effect: "change" })).trim();
    opened.push({ ssh, directory });
    return { host, directory };
  },
  { root: real !== undefined || process.getuid?.() === 0 },
);
