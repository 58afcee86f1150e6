/** The guard of the firewall when its proof fails: it waits for the undo and says what came of it. No host, no time. */
import { describe, expect, test } from "vitest";
import type { Io } from "../../src/component.ts";
import { guard } from "../../src/components/firewall/guard.ts";
import { readUnits } from "../../src/components/firewall/read.ts";
import { bootUnit, undoPaths, undoUnit, undoWindowSeconds } from "../../src/components/firewall/undo.ts";

import { defined } from "../../src/defined.ts";
import { CandidateError, TransportError } from "../../src/errors.ts";
import type { CommandResult, FileState, FileWrite, Host } from "../../src/hosts/host.ts";
import type { Change } from "../../src/resource.ts";
import { labSite } from "../lab/site.ts";

const done: CommandResult = { exitCode: 0, stdout: "", stderr: "" };

/** A hypervisor whose undo runs on time, with a clock that only sleeping moves. */
function machine(
  options: { answers: boolean; undoFails?: true; undoRunsAtMs?: number } & Pick<Io, "operator" | "reconnect">,
) {
  const commands: string[] = [];
  const notes: string[] = [];
  const files = new Map<string, FileState>();
  let now = 0;
  let armedUntil: number | undefined;
  const tick = (): void => {
    if (armedUntil === undefined || now < armedUntil) return;
    armedUntil = undefined;
    if (options.undoFails !== true)
      files.set(undoPaths.restored, { text: "restored\n", mode: "644", owner: "root:root", ids: "0:0" });
  };
  const run = async ({ argv }: { readonly argv: readonly string[] }): Promise<CommandResult> => {
    tick();
    commands.push(argv.join(" "));
    if (argv[0] === "systemd-run") armedUntil = options.undoRunsAtMs ?? now + undoWindowSeconds * 1000;
    if (argv[1] === "show") {
      const timer = armedUntil === undefined ? "inactive" : "active";
      const service =
        "Id=pve-firewall.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n";
      return { ...done, stdout: `${service}\nId=${undoUnit}.timer\nActiveState=${timer}\n` };
    }
    if (argv[1] === "stop" && armedUntil === undefined) return { ...done, exitCode: 5, stderr: "not loaded" };
    if (argv[1] === "stop") armedUntil = undefined;
    return done;
  };
  const host: Partial<Host> = {
    run,
    expect: async (command) => (await run(command)).stdout,
    readFiles: async (paths) => {
      tick();
      return new Map([...files].filter(([path]) => paths.includes(path)));
    },
    writeFiles: async (writes: readonly FileWrite[]) => {
      for (const { path, text, mode = "644" } of writes)
        files.set(path, { text, mode, owner: "root:root", ids: "0:0" });
    },
    list: async () => [],
    remove: async (paths) => {
      for (const path of paths) files.delete(path);
    },
  };
  const io = {
    site: labSite,
    host: () => host,
    network: { connect: async () => (options.answers ? { ok: true } : { ok: false, reason: "timeout" }) },
    clock: {
      now: () => now,
      sleep: async (ms: number) => {
        now += ms;
      },
    },
    waiting: () => {},
    note: (text: string) => notes.push(text),
    ...defined({ operator: options.operator, reconnect: options.reconnect }),
  } as unknown as Io;
  return { io, commands, files, notes, elapsed: () => now };
}

const changes: readonly Change[] = [
  { verb: "create", desired: { id: "firewall/options", host: "pve", text: "enable: 1\n", units: {} } },
];

describe("confirming", () => {
  test("stops the timer and leaves nothing behind when new connections answer", async () => {
    const { io, commands } = machine({ answers: true });
    await (await guard(changes, io)).confirm();
    expect(commands.at(-1)).toBe(`systemctl stop ${undoUnit}.timer`);
  });

  test("does not stop the timer when they do not, and tells that the previous rules are back", async () => {
    const { io, commands, elapsed } = machine({ answers: false });
    const armed = await guard(changes, io);
    const error: unknown = await armed.confirm().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CandidateError);
    expect(error).toMatchObject({
      message:
        "not so after the firewall changed: 10.0.0.13:22 answers a new connection from the hypervisor itself",
    });
    expect(commands.filter((line) => line.includes(" stop "))).toEqual([]);
    expect(elapsed()).toBeGreaterThanOrEqual(undoWindowSeconds * 1000);
  });

  test("says so when the undo did not run either", async () => {
    const { io } = machine({ answers: false, undoFails: true });
    const error: unknown = await (await guard(changes, io)).confirm().catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(CandidateError);
    expect(error).toMatchObject({ hint: `\`systemctl status ${undoUnit}\` says why` });
  });

  test("that comes too late is no confirmation", async () => {
    const { io } = machine({ answers: true, undoRunsAtMs: 0 });
    await expect((await guard(changes, io)).confirm()).rejects.toThrow(
      "the undo restored the previous rules",
    );
  });
});

describe("the operator's own way to the hypervisor", () => {
  test("is tried anew where Phoenix runs on the operator's machine", async () => {
    let tries = 0;
    const reconnect = async () => {
      tries += 1;
    };
    const { io, notes } = machine({ answers: true, operator: "10.0.0.50", reconnect });
    await (await guard(changes, io)).confirm();
    expect(tries).toBe(1);
    expect(notes.filter((note) => note.includes("was not tried"))).toEqual([]);
  });

  test("keeps the undo armed while it is cut off, whoever else gets through", async () => {
    const reconnect = async () => {
      throw new TransportError("pve", "root@pve cannot be reached by ssh: Connection timed out");
    };
    const { io, commands } = machine({ answers: true, operator: "10.0.0.50", reconnect });
    await expect((await guard(changes, io)).confirm()).rejects.toThrow(
      "not so after the firewall changed: the hypervisor answers a new ssh connection from 10.0.0.50 (this session)",
    );
    expect(commands.filter((line) => line.includes(" stop "))).toEqual([]);
  });

  test.each([
    ["10.0.0.50", ""],
    ["fd00::50", ", nor any other over IPv6"],
  ])("of %s cannot be tried from the hypervisor, which is said", async (operator, also) => {
    const { io, notes } = machine({ answers: true, operator });
    await (await guard(changes, io)).confirm();
    expect(notes).toContain(
      `a new connection from ${operator} (this session) was not tried${also}: phoenix runs on the hypervisor; keep this session open until another one works`,
    );
  });

  test("of a console needs no word, but that no guest could be asked does", async () => {
    const { io, notes } = machine({ answers: true });
    await (await guard(changes, io)).confirm();
    expect(notes).toEqual([expect.stringContaining("no guest could be asked for a new connection")]);
  });
});

test("the undo is armed before anything is changed, with copies that only root may read", async () => {
  const { io, commands, files } = machine({ answers: true });
  await guard(changes, io);
  expect(commands.slice(-1)).toEqual([
    `systemd-run --collect --unit=${undoUnit} --on-active=60s --timer-property=AccuracySec=1s --property=Restart=on-failure --property=RestartSec=5s -- /bin/sh ${undoPaths.script} /var/lib/phoenix/firewall-undo`,
  ]);
  expect([...files].map(([path, { mode }]) => `${path} ${mode}`)).toEqual([
    `${undoPaths.manifest} 600`,
    `${undoPaths.script} 600`,
    `${undoPaths.bootUnit} 644`,
    `${undoPaths.wantedAtBoot} 644`,
  ]);
});

test("an undo that waits for its turn after a restart is taken over, and stopped before a new one is armed", async () => {
  const { io, commands, files } = machine({ answers: true });
  await guard(changes, io);
  const left = new Map(files);
  const restarted = machine({ answers: true });
  for (const [path, file] of left) restarted.files.set(path, file);
  expect((await readUnits(restarted.io.host("pve"))).undoArmed).toBe(true);
  await (await guard([], restarted.io)).confirm();
  expect(commands.filter((line) => line.includes(" stop "))).toEqual([]);
  expect(restarted.commands.filter((line) => line.includes(" stop "))).toEqual([
    `systemctl stop ${bootUnit}`,
    `systemctl stop ${undoUnit}.timer`,
    `systemctl stop ${undoUnit}.timer`,
  ]);
  expect((await readUnits(restarted.io.host("pve"))).undoArmed).toBe(false);
});

test("nothing to change and nothing armed needs no undo", async () => {
  const { io, commands } = machine({ answers: true });
  await (await guard([], io)).confirm();
  expect(commands.every((line) => line.startsWith("systemctl show"))).toBe(true);
});
