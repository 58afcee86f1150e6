/** The undo's script in a real shell: byte for byte, without the program that stored it. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  absentDigest,
  manifestSteps,
  restoreText,
  undoFiles,
  undoPaths,
} from "../../src/components/firewall/undo.ts";
import { sha256 } from "../../src/formats/text/digest.ts";

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "phoenix-undo-"));
  made.push(path);
  return path;
}

const state = (text: string) => ({ text, mode: "640", owner: "root:www-data", ids: "0:33" });

describe.each(["sh", "busybox sh"])("in %s", (shell) => {
  const [program = "", ...first] = shell.split(" ");
  const isThere = (): boolean => {
    try {
      execFileSync(program, [...first, "-c", "true"]);
      return true;
    } catch {
      return false;
    }
  };

  test.runIf(isThere())("it puts back what was there, removes what was not, and says that it has run", () => {
    const [undo, rules] = [directory(), directory()];
    const cluster = join(rules, "cluster.fw");
    const before = "[OPTIONS]\n\n enable:  1\n\n# \\n $HOME `x` ü\n[RULES]\nIN ACCEPT\n\n";
    const files = undoFiles([cluster, join(rules, "101.fw")], new Map([[cluster, state(before)]]), true);
    for (const { path, text } of files)
      writeFileSync(join(undo, path.split("/").at(-1) ?? ""), text, { mode: 0o600 });
    writeFileSync(cluster, "[OPTIONS]\nenable: 1\n[RULES]\nIN DROP\n");
    writeFileSync(join(rules, "101.fw"), "[OPTIONS]\nenable: 1\n");
    execFileSync(program, [...first, join(undo, "restore"), undo]);
    expect(readFileSync(cluster, "utf8")).toBe(before);
    expect(readdirSync(rules)).toEqual(["cluster.fw"]);
    expect(readFileSync(join(undo, "restored"), "utf8")).toBe("restored\n");
    // Once more changes nothing: systemd may start it again.
    execFileSync(program, [...first, join(undo, "restore"), undo]);
    expect(readFileSync(cluster, "utf8")).toBe(before);
  });

  test.runIf(isThere())("it fails, and does not say that it has run, when a file cannot be put back", () => {
    const [undo, rules] = [directory(), directory()];
    const path = join(rules, "not-there", "cluster.fw");
    for (const file of undoFiles([path], new Map([[path, state("x\n")]]), true))
      writeFileSync(join(undo, file.path.split("/").at(-1) ?? ""), file.text);
    expect(() => execFileSync(program, [...first, join(undo, "restore"), undo], { stdio: "pipe" })).toThrow();
    expect(existsSync(join(undo, "restored"))).toBe(false);
  });
});

describe.each(["sh", "busybox sh"])("in a cluster, in %s", (shell) => {
  const [program = "", ...first] = shell.split(" ");
  const isThere = (): boolean => spawnSync(program, [...first, "-c", "true"]).status === 0;
  const previous = "[OPTIONS]\nenable: 1\n";
  const candidate = "[OPTIONS]\nenable: 1\n[RULES]\nIN DROP\n";

  /** A node with an armed undo. Its systemctl writes down what it is told; stopping the firewall gives the cluster its quorum back. */
  function node({ number = 1 } = {}) {
    const [undo, pve, bin] = [directory(), directory(), directory()];
    const cluster = join(pve, "cluster.fw");
    const guestFile = join(pve, "101.fw");
    const marker = join(pve, "priv", "confirmed");
    const log = join(bin, "log");
    const systemctl = `#!/bin/sh\necho "$*" >>${log}\n[ "$1" != stop ] || mkdir -p ${join(pve, "priv")}\n`;
    writeFileSync(join(bin, "systemctl"), systemctl, { mode: 0o755 });
    const known = new Map([
      [cluster, [sha256(previous), sha256(candidate)]],
      [guestFile, [absentDigest, sha256(candidate)]],
    ]);
    const files = undoFiles([cluster, guestFile], new Map([[cluster, state(previous)]]), true, {
      number,
      known,
    });
    for (const { path, text } of files)
      writeFileSync(join(undo, path.split("/").at(-1) ?? ""), text.replaceAll(undoPaths.confirmed, marker));
    writeFileSync(cluster, candidate);
    writeFileSync(guestFile, candidate);
    return {
      cluster,
      guestFile,
      marker,
      pve,
      quorate: () => mkdirSync(join(pve, "priv")),
      restore: () =>
        execFileSync(program, [...first, join(undo, "restore"), undo], {
          env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
          encoding: "utf8",
        }),
      told: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
      restored: () =>
        existsSync(join(undo, "restored")) ? readFileSync(join(undo, "restored"), "utf8") : undefined,
    };
  }

  test.runIf(isThere())("it replaces the candidates, without touching the daemon", () => {
    const { cluster, guestFile, quorate, restore, restored, told, pve } = node();
    quorate();
    restore();
    expect(readFileSync(cluster, "utf8")).toBe(previous);
    expect(existsSync(guestFile)).toBe(false);
    expect(restored()).toBe("restored\n");
    expect(told()).toEqual([]);
    expect(readdirSync(pve).sort()).toEqual(["cluster.fw", "priv"]);
  });

  test.runIf(isThere())("what somebody else wrote since is left, and said", () => {
    const { cluster, guestFile, quorate, restore, restored } = node();
    quorate();
    writeFileSync(cluster, "[OPTIONS]\nenable: 0\n");
    expect(restore()).toContain(`left ${cluster}`);
    expect(readFileSync(cluster, "utf8")).toBe("[OPTIONS]\nenable: 0\n");
    expect(existsSync(guestFile)).toBe(false);
    expect(restored()).toBe(`restored\nleft ${cluster}\n`);
  });

  test.runIf(isThere())("a second node that restores later finds its work done", () => {
    const { cluster, guestFile, quorate, restore, restored } = node();
    quorate();
    writeFileSync(cluster, previous);
    rmSync(guestFile);
    restore();
    expect(readFileSync(cluster, "utf8")).toBe(previous);
    expect(restored()).toBe("restored\n");
  });

  test.runIf(isThere())("without quorum it stops the daemon first, and starts it when all is back", () => {
    const { cluster, restore, restored, told } = node();
    restore();
    expect(readFileSync(cluster, "utf8")).toBe(previous);
    expect(restored()).toBe("restored\n");
    expect(told()).toEqual([
      "is-active --quiet pve-firewall.service",
      "stop pve-firewall.service",
      "start pve-firewall.service",
    ]);
  });

  test.runIf(isThere()).each([1, 2])("a change that was confirmed with number %d stays", (number) => {
    const { cluster, marker, quorate, restore, restored } = node();
    quorate();
    writeFileSync(marker, `${number}\n`);
    restore();
    expect(readFileSync(cluster, "utf8")).toBe(candidate);
    expect(restored()).toBeUndefined();
  });

  test.runIf(isThere())("one that came after the last confirmed one is taken back", () => {
    const { cluster, marker, quorate, restore } = node({ number: 3 });
    quorate();
    writeFileSync(marker, "2\n");
    restore();
    expect(readFileSync(cluster, "utf8")).toBe(previous);
  });
});

test("only root may read the copies", () => {
  const files = undoFiles(["/etc/pve/firewall/cluster.fw"], new Map(), false);
  expect(files.map(({ mode }) => mode)).toEqual(["600", "600", "644"]);
  expect(files[0]?.text).toBe("absent - /etc/pve/firewall/cluster.fw\nstopped - -\n");
  expect(manifestSteps(files[0]?.text ?? "")).toEqual([{ path: "/etc/pve/firewall/cluster.fw" }, {}]);
  expect(restoreText.startsWith(": phoenix firewall-restore\n")).toBe(true);
});
