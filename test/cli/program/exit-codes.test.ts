/** The contract of the exit codes, one by one, with the built program on a lab of its own. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { generateSite } from "../../../bench/generate.ts";
import { exitCodes } from "../../../src/errors.ts";
import { outputSchemas } from "../../../src/render/output-schemas.ts";
import { faultsOf } from "../../json-schema.ts";
import { type Said, type StartOptions, start } from "../edge.ts";

const home = mkdtempSync(join(tmpdir(), "phoenix-program-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const site = join(home, "site");
const lab = join(home, "lab");
const password = "canary-0f8b1c2d";
const env = { BENCH_ADMIN_PASSWORD: password, PHOENIX_LAB: lab };
const phoenix = (line: string, options: StartOptions = {}): Promise<Said> =>
  start(line.split(" "), { ...options, env: { ...env, ...options.env } });

const records = join(lab, "hosts/pve/etc/phoenix/hosts.d/phoenix.hosts");
/** Loses the last record, as if somebody had edited the file by hand. */
function loseRecord(): void {
  const lines = readFileSync(records, "utf8").trimEnd().split("\n");
  writeFileSync(records, `${lines.slice(0, -1).join("\n")}\n`);
}

const nothingDone =
  /^0 created, 0 updated, 0 deleted · reloads 0 · restarts 0 · \d+ checks passed · [\d.]+ m?s$/m;

beforeAll(async () => {
  generateSite(site, 24);
  const said = await phoenix(`lab init --site ${site}`);
  expect(said, said.stderr).toMatchObject({ code: 0 });
});

describe("a life", () => {
  test("2: a plan has changes pending", async () => {
    const { code, stdout } = await phoenix("plan");
    expect(code).toBe(exitCodes.pending);
    expect(stdout).toMatch(/^Plan: \d+ to create, \d+ to update, 0 to delete · /m);
    expect(stdout).toContain("(exit 2)");
  });

  test("0: a sync converges, and ends with what was done in numbers and the names that answer", async () => {
    const { code, stdout, stderr } = await phoenix("sync all");
    expect(code, stdout + stderr).toBe(exitCodes.converged);
    expect(stdout).toMatch(
      /^[1-9]\d* created, \d+ updated, 0 deleted · reloads \d+ · restarts \d+ · \d+ checks passed · [\d.]+ m?s\n(?:https:.* answers \(\d+, .*\)\n)*\d+ (?:more )?names? answers?\n$/m,
    );
  });

  test("0: a second sync does nothing at all; plan and status agree", async () => {
    const second = await phoenix("sync all");
    expect(second.stdout).toMatch(nothingDone);
    expect(second.code).toBe(exitCodes.converged);
    const planned = await phoenix("plan");
    expect(planned.stdout).toMatch(/^In sync: \d+ resources in 8 components/);
    expect(planned.code).toBe(exitCodes.converged);
    const status = await phoenix("status");
    expect(status.stdout).toMatch(/sync all converged \d+ s ago, run 2 by /);
    expect(status.code).toBe(exitCodes.converged);
  });

  test("2 and 0: drift is seen, and put back alone", async () => {
    loseRecord();
    const planned = await phoenix("plan");
    expect(planned).toMatchObject({ code: exitCodes.pending });
    expect(planned.stdout).toContain("Plan: 0 to create, 1 to update, 0 to delete");
    const synced = await phoenix("sync all");
    expect(synced.stdout).toMatch(/^0 created, 1 updated, 0 deleted · /m);
    expect(synced.code).toBe(exitCodes.converged);
  });

  test("a dry run is a plan, and a resource stands for its component", async () => {
    loseRecord();
    expect(await phoenix("sync --dry-run all")).toMatchObject({ code: exitCodes.pending });
    const synced = await phoenix("sync dns/records");
    expect(synced).toMatchObject({ code: exitCodes.converged });
    expect(synced.stderr).toContain("dns/records: its whole component is synced (dns)");
    const unknown = await phoenix("sync dns/recrds");
    expect(unknown).toMatchObject({ code: exitCodes.usage, stdout: "" });
    expect(unknown.stderr).toContain("did you mean dns/records?");
    const proved = await phoenix("verify dns/recrds");
    expect(proved).toMatchObject({ code: exitCodes.usage, stdout: "" });
    expect(proved.stderr).toContain("did you mean dns/records?");
  });
});

/** Phoenix on a terminal, of script(1) of util-linux, whose user types `typed` when the question is there. */
async function answered(line: string, typed: string): Promise<{ code: number | null; shown: string }> {
  const command = `${process.execPath} ${join(import.meta.dirname, "../../../bin/phoenix")} ${line}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: { ...process.env, ...env, TERM: "xterm", NO_COLOR: "1" },
  });
  let shown = "";
  let isTyped = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    if (isTyped || !shown.includes("[y/N]")) return;
    isTyped = true;
    child.stdin.write(typed);
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, shown };
}

describe.skipIf(spawnSync("script", ["--version"]).status !== 0)("a question", () => {
  test.each([
    ["n\n", exitCodes.refused, "not approved: nothing was changed"],
    ["\u0003", exitCodes.interrupted, "Interrupted. Nothing was changed."],
    ["y\n", exitCodes.converged, "0 created, 1 updated"],
  ])("answered by %j ends with %i", async (typed, code, words) => {
    loseRecord();
    const before = readFileSync(records, "utf8");
    const said = await answered("sync dns --ask", typed);
    expect(said.code).toBe(code);
    expect(said.shown).toContain(words);
    expect(said.shown).not.toContain("completing the current step");
    expect(readFileSync(records, "utf8") === before).toBe(code !== exitCodes.converged);
    expect(await phoenix("sync dns")).toMatchObject({ code: exitCodes.converged });
  });
});

describe("what goes wrong", () => {
  const broken = async (fault: string, body: () => Promise<void>): Promise<void> => {
    expect(await phoenix(`lab break ${fault}`)).toMatchObject({ code: 0 });
    try {
      await body();
    } finally {
      await phoenix("lab mend");
    }
  };

  test("1: a site with errors", async () => {
    const bad = join(home, "bad");
    generateSite(bad, 8);
    writeFileSync(join(bad, "etc/phoenix_vm_configs.json"), `{ "vms": [ { "admin_password": "${password}" `);
    for (const command of ["check", "plan", "sync all"]) {
      const said = await phoenix(`${command} --site ${bad}`);
      expect(said, command).toMatchObject({ code: exitCodes.error });
      expect(said.stdout + said.stderr).toMatch(/^etc\/phoenix_vm_configs\.json:1:\d+: error\[PHX\d{4}\]: /m);
      expect(said.stdout + said.stderr).not.toContain(password);
      expect(said.stderr).not.toMatch(/^\s+at /m);
    }
  });

  test("1: no site and no lab, in words", async () => {
    const said = await phoenix("plan", { env: { PHOENIX_SITE: join(home, "nowhere"), PHOENIX_LAB: "" } });
    expect(said).toMatchObject({ code: exitCodes.error, stdout: "" });
    expect(said.stderr).toMatch(/^Error: /);
    expect(await phoenix(`plan --lab ${home}`)).toMatchObject({ code: exitCodes.error });
  });

  test("3: what is seen from outside is not as declared", async () => {
    await broken("refused gateway", async () => {
      const { code, stdout } = await phoenix("verify");
      expect(code, stdout).toBe(exitCodes.unverified);
      expect(stdout).toMatch(/^ {2}check failed: /m);
      expect(stdout).toContain("(exit 3)");
    });
  });

  test("4: one part fails, the others are done, and the same command goes on from there", async () => {
    loseRecord();
    await broken("error-500 portainer", async () => {
      const { code, stdout } = await phoenix("sync all");
      expect(code, stdout).toBe(exitCodes.partial);
      expect(stdout).toContain("records updated");
      expect(stdout).toContain("(exit 4)");
    });
    expect(await phoenix("sync all")).toMatchObject({ code: exitCodes.converged });
  });

  test("5: a guard refuses, names the numbers and the consent; with it the sync goes through", async () => {
    const smaller = join(home, "smaller");
    generateSite(smaller, 8);
    const { code, stdout, stderr } = await phoenix(`sync dns --site ${smaller}`);
    expect(code, stdout + stderr).toBe(exitCodes.refused);
    expect(stderr).toMatch(/^Error: refused: dns\/records would lose \d+ of its \d+ entries/m);
    expect(stderr).toContain("--allow dns-shrink");
    const planned = await phoenix(`plan dns --site ${smaller}`);
    expect(planned.stdout).toContain("a sync would be refused");
    expect(await phoenix(`sync dns --site ${smaller} --allow dns-shrink`)).toMatchObject({
      code: exitCodes.converged,
    });
    expect(await phoenix("sync dns")).toMatchObject({ code: exitCodes.converged });
  });

  test("6 and 130: another run holds the lock; the first one is interrupted and finishes its step", async () => {
    loseRecord();
    await broken("slow pve 700", async () => {
      let first: Promise<Said> | undefined;
      const atWork = new Promise<(signal: NodeJS.Signals) => void>((resolve) => {
        const onStderr: StartOptions["onStderr"] = (text, kill) => text.includes("dns: ") && resolve(kill);
        first = phoenix("sync all", { onStderr });
      });
      const lock = join(lab, "hosts/pve/var/lib/phoenix/lock");
      await vi.waitFor(() => expect(existsSync(lock)).toBe(true), { timeout: 30_000 });
      const second = await phoenix("sync all");
      (await atWork)("SIGINT");
      expect(second).toMatchObject({ code: exitCodes.locked, stdout: "" });
      expect(second.stderr).toMatch(/^Error: locked by .* \(sync all, pid \d+\)/m);
      const { code, stdout, stderr } = (await first) as Said;
      expect(code, stdout + stderr).toBe(exitCodes.interrupted);
      expect(stderr).toContain("Interrupted: completing the current step.");
      expect(stdout).toContain("records updated");
      expect(stdout).toContain("(exit 130)");
      expect(existsSync(lock)).toBe(false);
    });
    expect(await phoenix("sync all")).toMatchObject({ code: exitCodes.converged });
  });

  describe("130: an interruption", () => {
    /** Sends SIGINT when standard error has `words`, or the lock is there, and `more` times again. */
    const interrupted = async (words: string | undefined, more: number): Promise<Said> => {
      const lock = join(lab, "hosts/pve/var/lib/phoenix/lock");
      const signals: NodeJS.Timeout[] = [];
      let sent = false;
      const send = (kill: (signal: NodeJS.Signals) => void): void => {
        if (sent) return;
        sent = true;
        for (let n = 0; n <= more; n += 1) signals.push(setTimeout(() => kill("SIGINT"), n * 100));
      };
      const said = await phoenix("sync all", {
        onStart: (kill) => {
          const poll = setInterval(() => {
            if (words === undefined && existsSync(lock)) send(kill);
            if (sent) clearInterval(poll);
          }, 10);
        },
        onStderr: (text, kill) => {
          if (words !== undefined && text.includes(words)) send(kill);
        },
      });
      expect(existsSync(lock), "the lock is released").toBe(false);
      return said;
    };

    test("in the first read changes nothing, says so, and is in the history", async () => {
      loseRecord();
      const before = readFileSync(records, "utf8");
      await broken("slow pve 300", async () => {
        const { code, stdout, stderr } = await interrupted(undefined, 0);
        expect(code, stdout + stderr).toBe(exitCodes.interrupted);
        expect(stdout).toMatch(/^Interrupted\. Nothing was changed\. .*\(exit 130\)\n$/);
      });
      expect(readFileSync(records, "utf8")).toBe(before);
      expect((await phoenix("status")).stdout).toMatch(/sync all was interrupted \d+ s ago, run \d+ by /);
    });

    test("twice, in the middle of a change, says what may be half done, and is in the history", async () => {
      loseRecord();
      await broken("slow pve 700", async () => {
        const { code, stdout, stderr } = await interrupted("dns: update", 1);
        expect(code, stdout + stderr).toBe(exitCodes.interrupted);
        expect(stdout).toMatch(/^Interrupted\. /m);
        expect(stdout).not.toContain("check failed");
      });
      expect((await phoenix("status")).stdout).toMatch(/sync all was interrupted \d+ s ago, run \d+ by /);
      expect(await phoenix("sync all")).toMatchObject({ code: exitCodes.converged });
    });
  });

  test("7: a change that cannot be proven is taken back", async () => {
    const gateway = join(lab, "hosts/lxc-101/etc/nginx/sites-available/gateway");
    const edited = `${readFileSync(gateway, "utf8")}# edited by hand\n`;
    writeFileSync(gateway, edited);
    await broken("wrong-certificate gateway", async () => {
      const { code, stdout } = await phoenix("sync nginx");
      expect(code, stdout).toBe(exitCodes.rolledBack);
      expect(stdout).toMatch(/^Error: rolled back: nginx: /m);
      expect(stdout).toContain("(exit 7)");
      expect(readFileSync(gateway, "utf8")).toBe(edited);
    });
    expect(await phoenix("sync nginx")).toMatchObject({ code: exitCodes.converged });
  });

  test("64: the command line makes no sense", async () => {
    const said = await phoenix("snyc all");
    expect(said).toMatchObject({ code: exitCodes.usage, stdout: "" });
    expect(said.stderr).toBe("Error: unknown command 'snyc'\n  hint: did you mean sync?\n");
  });

  test("1: a run whose time is up names what it was waiting for", async () => {
    await broken("hang lxc/101", async () => {
      const { code, stderr } = await phoenix("plan nginx --timeout 1");
      expect(code, stderr).toBe(exitCodes.error);
      expect(stderr).toMatch(
        /^Error: the time given by --timeout is up while waiting for lxc\/101 \(.*\): /m,
      );
    });
  });

  test("a second signal ends everything at once", async () => {
    await broken("hang pve", async () => {
      let signalled = 0;
      const said = await phoenix("sync all", {
        // Its first words show that it listens to signals; it waits for its lock for 30 s.
        onStderr: (_, kill) => {
          if (signalled > 0) return;
          signalled = performance.now();
          kill("SIGTERM");
          setTimeout(kill, 300, "SIGTERM");
        },
      });
      expect(said.code).toBe(exitCodes.interrupted);
      expect(performance.now() - signalled).toBeLessThan(15_000);
    });
  });
});

describe("output for programs", () => {
  test("each document is as its schema says", async () => {
    const into = join(home, "result.json");
    const runs = [
      ["check", "output-check"],
      ["plan", "output-plan"],
      [`sync all --json-into ${into}`, "output-result"],
      ["verify", "output-result"],
      ["status", "output-status"],
      ["lab status", "output-lab"],
    ] as const;
    for (const [line, schema] of runs) {
      const { stdout, stderr } = await phoenix(`${line} --output json`);
      const document = JSON.parse(stdout);
      expect(faultsOf(outputSchemas[schema], document), line + stderr).toEqual([]);
      expect(stdout).not.toContain(password);
    }
    expect(JSON.parse(readFileSync(into, "utf8"))).toMatchObject({ format: "phoenix.result/2", exitCode: 0 });
  });

  test("ndjson: events as they happen, then the result; nothing on standard error", async () => {
    const { stdout, stderr } = await phoenix("sync dns --output ndjson");
    const documents = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(documents.at(-1)).toMatchObject({ format: "phoenix.result/2", command: "sync" });
    for (const event of documents.slice(0, -1))
      expect(faultsOf(outputSchemas["output-event"], event)).toEqual([]);
    expect(documents[0]).toMatchObject({ type: "run-started" });
    expect(stderr).toBe("");
  });

  test("schema prints what these documents are checked with", async () => {
    const { stdout } = await phoenix("schema output-plan");
    expect(JSON.parse(stdout)).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    const names = (await phoenix("schema")).stdout.trimEnd().split("\n");
    expect(names).toEqual(expect.arrayContaining(Object.keys(outputSchemas)));
    expect(names.length).toBeGreaterThan(Object.keys(outputSchemas).length);
  });
});
