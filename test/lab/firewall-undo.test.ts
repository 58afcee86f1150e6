/** The undo's script in a real shell: byte for byte, without the program that stored it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { manifestSteps, restoreText, undoFiles } from "../../src/components/firewall/undo.ts";

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

test("only root may read the copies", () => {
  const files = undoFiles(["/etc/pve/firewall/cluster.fw"], new Map(), false);
  expect(files.map(({ mode }) => mode)).toEqual(["600", "600", "644"]);
  expect(files[0]?.text).toBe("absent - /etc/pve/firewall/cluster.fw\nstopped - -\n");
  expect(manifestSteps(files[0]?.text ?? "")).toEqual([{ path: "/etc/pve/firewall/cluster.fw" }, {}]);
  expect(restoreText.startsWith(": phoenix firewall-restore\n")).toBe(true);
});
