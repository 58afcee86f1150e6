/**
 * The contracts that the lab keeps, over real systems: the hypervisor by itself and by OpenSSH, a container by pct, a virtual
 * machine by qm and its agent, and Step-CA. Portainer's has a file of its own.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { stepPath } from "../../lab/step-ca/init.ts";
import { realClock } from "../../src/hosts/clock.ts";
import type { Exec, Host } from "../../src/hosts/host.ts";
import { localExec } from "../../src/hosts/local.ts";
import { worldOf } from "../../src/hosts/open.ts";
import { createNetwork } from "../../src/hosts/real-network.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import { openSsh, type Ssh } from "../../src/hosts/ssh.ts";
import { type HostUnderTest, hostContract } from "../contract/host.ts";
import { stepCaContract } from "../contract/step-ca.ts";
import { boot, down, environment, expectRun, folder, unavailable, write } from "./machines.ts";
import { type Relay, relay } from "./relay.ts";

const { signal } = new AbortController();
const local = localExec(signal);
/** Commands of pve, run from outside: what a Proxmox host's own shell would do. */
const inPve: Exec = (command) =>
  local({
    ...command,
    argv: [
      "env",
      `PHOENIX_TESTBED_RUN=${environment.PHOENIX_TESTBED_RUN}`,
      join(folder, "shell"),
      "pve",
      ...command.argv,
    ],
  });

/** With a directory of its own on the host, which goes with the machine. */
async function underTest(host: Host): Promise<HostUnderTest> {
  return { host, directory: (await host.expect({ argv: ["mktemp", "-d"], effect: "change" })).trim() };
}

describe.skipIf(unavailable !== undefined)("the testbed's machines", () => {
  const ends: (() => void | Promise<void>)[] = [];
  const relayed = async (...place: Parameters<typeof relay>): Promise<Relay> => {
    const made = await relay(...place);
    ends.push(made.close);
    return made;
  };
  beforeAll(async () => {
    await boot(join(import.meta.dirname, "tiny.json"));
    // qm looks once a second whether a command has ended, and these are dozens.
    await write("pve", "/etc/testbed/agent-poll-ms", "50");
  }, 1_200_000);
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
    await down();
  });

  const world = worldOf({
    description: "the testbed",
    hypervisorExec: inPve,
    network: createNetwork(),
    clock: realClock(signal),
    close: async () => {},
  });
  hostContract("testbed, the hypervisor", () => underTest(world.host("pve")), { timeoutMs: 20_000 });
  hostContract("testbed, pct", () => underTest(world.host("lxc/101")), { timeoutMs: 30_000 });
  hostContract("testbed, qm", () => underTest(world.host("vm/1001")), { timeoutMs: 60_000 });

  const ssh = spawnSync("sh", ["-c", "command -v ssh"], { encoding: "utf8" }).stdout.trim();
  if (ssh === "") describe("host contract: testbed, ssh", () => test.skip("there is no ssh here", () => {}));
  else
    hostContract(
      "testbed, ssh",
      async () => {
        const opened = await openKnown(ssh, (await relayed("pve", 22)).port);
        ends.push(opened.close);
        return underTest(createHost("pve", opened.ssh.exec));
      },
      { timeoutMs: 30_000 },
    );

  stepCaContract("testbed", async () => {
    const text = (path: string): Promise<string> => expectRun("lxc-103", ["cat", `${stepPath}/${path}`]);
    return {
      address: "127.0.0.1",
      port: (await relayed("lxc-103", 9000)).port,
      hostname: "ca.internal.example.test",
      root: await text("certs/root_ca.crt"),
      provisioner: "admin@example.test",
      password: (await text("secrets/password")).trimEnd(),
    };
  });
});

/** The system's own ssh with a key and a configuration of the test's, so that nobody's own are read or changed. */
async function openKnown(program: string, port: number): Promise<{ ssh: Ssh; close: () => Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-ssh-"));
  const key = join(directory, "key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await expectRun("pve", ["mkdir", "-p", "-m", "700", "/root/.ssh"]);
  await write("pve", "/root/.ssh/authorized_keys", readFileSync(`${key}.pub`, "utf8"));
  const settings = `Host testbed
  HostName 127.0.0.1
  Port ${port}
  User root
  IdentityFile ${key}
  StrictHostKeyChecking accept-new
  UserKnownHostsFile ${directory}/known_hosts
`;
  writeFileSync(join(directory, "config"), settings);
  writeFileSync(join(directory, "ssh"), `#!/bin/sh\nexec ${program} -F ${directory}/config "$@"\n`, {
    mode: 0o755,
  });
  const { PATH = "" } = process.env;
  process.env.PATH = `${directory}:${PATH}`;
  const ssh = openSsh("testbed", signal);
  return {
    ssh,
    close: async () => {
      await ssh.close();
      process.env.PATH = PATH;
      rmSync(directory, { recursive: true });
    },
  };
}
