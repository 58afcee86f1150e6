/** What `pct exec` says about itself, and what is the command's own affair (pve-container 6.1). */
import { describe, expect, test } from "vitest";
import { CommandError, TransportError, WrongHostError } from "../../src/errors.ts";
import { NotOnNodeError } from "../../src/hosts/guest-errors.ts";
import { pctExec } from "../../src/hosts/pct.ts";
import { failure, recorded } from "./recorded.ts";

const ls = { argv: ["ls", "-la"], effect: "read" } as const;

test("the command goes behind --, without the hypervisor's environment", async () => {
  const { exec, asked } = recorded({ stdout: "out" });
  const result = await pctExec(exec, 102)({ ...ls, stdin: "in", timeoutMs: 5 });
  expect(asked).toEqual([
    {
      argv: ["pct", "exec", "102", "--keep-env", "0", "--", "ls", "-la"],
      stdin: "in",
      timeoutMs: 5,
      effect: "read",
    },
  ]);
  expect(result).toEqual({ exitCode: 0, stdout: "out", stderr: "" });
});

test.each([
  ["here", "pct: command not found\n"],
  ["behind a shell", "sh: 1: pct: not found\n"],
  ["behind ssh", "timeout: failed to run command 'pct': No such file or directory\n"],
])("no Proxmox %s is one error, whatever the guest", async (_, stderr) => {
  const error = await failure(pctExec(recorded({ exitCode: 127, stderr }).exec, 102)(ls));
  expect(error).toBeInstanceOf(WrongHostError);
  expect(error).toMatchObject({
    message: "this is not a Proxmox VE host: pct is not installed",
    hint: expect.stringContaining("--host"),
  });
});

describe("pct's own errors", () => {
  test.each([
    ["stopped", 255, "container '102' not running!\n", "lxc/102 is not running", "pct start 102"],
    [
      "stopped, with a locale that Perl dislikes",
      255,
      "perl: warning: Setting locale failed.\nLANG = \"de_DE\"\n    are supported and installed on your system.\ncontainer '102' not running!\n",
      "lxc/102 is not running",
      "pct start 102",
    ],
    [
      "gone while it ran",
      1,
      "lxc-attach: 102: ../src/lxc/attach.c: get_attach_context: 405 Connection refused - Failed to get init pid\n",
      "lxc/102 cannot be entered",
      "pct status 102",
    ],
    [
      "wrong use",
      255,
      "400 Parameter verification failed.\nvmid: type check ('integer') failed - got 'abc'\npct exec <vmid>\n",
      "400 Parameter verification failed",
      undefined,
    ],
  ])("%s", async (_, exitCode, stderr, message, hint) => {
    const error = await failure(pctExec(recorded({ exitCode, stderr }).exec, 102)(ls));
    expect(error).toBeInstanceOf(TransportError);
    expect(error).not.toBeInstanceOf(NotOnNodeError);
    expect((error as TransportError).message).toContain(message);
    expect((error as TransportError).target).toBe("lxc/102");
    if (hint === undefined) expect((error as TransportError).hint).toBeUndefined();
    else expect((error as TransportError).hint).toContain(hint);
  });

  // The same words with any errno that was left: the number means nothing.
  test.each([2, 25, 255])("another node's container, exit %i", async (exitCode) => {
    const stderr = "Configuration file 'nodes/pve1/lxc/102.conf' does not exist\n";
    const error = await failure(pctExec(recorded({ exitCode, stderr }).exec, 102)(ls));
    expect(error).toBeInstanceOf(NotOnNodeError);
  });
});

describe("the command's own results", () => {
  test.each([
    ["a failure", { exitCode: 1, stdout: "", stderr: "grep: no such file\n" }],
    ["255", { exitCode: 255, stdout: "", stderr: "" }],
    ["a signal", { exitCode: 137, stdout: "", stderr: "" }],
    [
      "a program that is not there",
      {
        exitCode: 127,
        stdout: "",
        stderr:
          'lxc-attach: 102: ../src/lxc/attach.c: lxc_attach_run_command: 1841 No such file or directory - Failed to exec "x"\n',
      },
    ],
    [
      "a program that may not run",
      {
        exitCode: 126,
        stdout: "",
        stderr:
          'lxc-attach: 102: ../src/lxc/attach.c: lxc_attach_run_command: 1841 Permission denied - Failed to exec "x"\n',
      },
    ],
    [
      "pct's words about another container",
      { exitCode: 255, stdout: "", stderr: "container '103' not running!\n" },
    ],
    [
      "pct's words after output of its own",
      { exitCode: 1, stdout: "starting\n", stderr: "container '102' not running!\n" },
    ],
    [
      "pct's words in a log that succeeds",
      { exitCode: 0, stdout: "", stderr: "container '102' not running!\n" },
    ],
  ])("%s", async (_, result) => {
    expect(await pctExec(recorded(result).exec, 102)(ls)).toEqual(result);
  });
});

test("what pct would garble is refused before it runs", async () => {
  const { exec, asked } = recorded({});
  const error = await failure(pctExec(exec, 102)({ argv: ["cat", "/srv/grüße"], effect: "read" }));
  expect(error).toBeInstanceOf(CommandError);
  expect((error as Error).message).toContain("not plain ASCII");
  expect(asked).toEqual([]);
});
