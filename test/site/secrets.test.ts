/** References to secrets: each kind finds its value, each failure is told without any of it. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { inDirectory, layOut, problemText } from "./tree.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The administrator's password of a site that writes it like this; problems when it has none. */
async function passwordOf(
  written: string,
  prepare: (directory: string) => void | Promise<void> = () => undefined,
): Promise<string> {
  return inDirectory(async (directory) => {
    layOut(
      directory,
      `=== etc/phoenix_hypervisor_config.json replace\n--- "file:secrets/portainer"\n+++ ${JSON.stringify(written)}\n`,
    );
    await prepare(directory);
    const { site, problems } = await loadSite(directory);
    return site?.portainer?.adminPassword?.reveal() ?? problems.map(problemText).join("\n");
  });
}

describe("references", () => {
  test("env: the environment", async () => {
    vi.stubEnv("PHOENIX_TEST_SECRET", "of the environment");
    expect(await passwordOf("env:PHOENIX_TEST_SECRET")).toBe("of the environment");
    vi.stubEnv("PHOENIX_TEST_SECRET", "");
    expect(await passwordOf("env:PHOENIX_TEST_SECRET")).toContain("PHOENIX_TEST_SECRET is empty");
    expect(await passwordOf("env:no name")).toContain('"no name" is not a valid variable name');
  });

  test("file: one line break at the end is not part of it", async () => {
    const prepare = (directory: string): void => writeFileSync(join(directory, "pw"), " with blanks \n\n");
    expect(await passwordOf("file:pw", prepare)).toBe(" with blanks \n");
    expect(await passwordOf("file:etc")).toContain("etc is not a regular file");
    expect(await passwordOf("file:none")).toContain("none does not exist");
    const large = (directory: string): void => writeFileSync(join(directory, "pw"), "x".repeat(70_000));
    expect(await passwordOf("file:pw", large)).toContain("larger than 64 KiB");
  });

  test("exec: words without a shell, quotes keep blanks", async () => {
    expect(await passwordOf(`exec:printf %s-%s "a b" '$HOME;c\\d'`)).toBe("a b-$HOME;c\\d");
    expect(await passwordOf("exec:no-such-command-here")).toContain("no-such-command-here does not exist");
    expect(await passwordOf("exec:true")).toContain("printed nothing");
    const failing = (directory: string): void => {
      writeFileSync(
        join(directory, "tell"),
        "#!/bin/sh\necho canary-in-the-output; echo canary >&2; exit 3\n",
      );
      chmodSync(join(directory, "tell"), 0o755);
    };
    const told = await passwordOf("exec:./tell canary", failing);
    expect(told).toContain("the command ./tell exited with 3");
    expect(told).not.toContain("canary");
  });

  test("age: a member of an encrypted file", async () => {
    const identity = await generateX25519Identity();
    const encrypted = async (plain: string): Promise<Uint8Array> => {
      const encrypter = new Encrypter();
      encrypter.addRecipient(await identityToRecipient(identity));
      return encrypter.encrypt(plain);
    };
    const prepare = async (directory: string): Promise<void> => {
      mkdirSync(join(directory, "sealed"));
      writeFileSync(join(directory, "sealed/key"), `# made by a test\n${identity}\n`);
      vi.stubEnv("PHOENIX_AGE_IDENTITY_FILE", join(directory, "sealed/key"));
      writeFileSync(join(directory, "sealed/a.json"), await encrypted('{ "admin": "of the JSON" }'));
      writeFileSync(
        join(directory, "sealed/b.env"),
        armor.encode(await encrypted("X=1\nADMIN='of the lines'\n")),
      );
      writeFileSync(join(directory, "sealed/c"), await encrypted("of the whole\n"));
      writeFileSync(join(directory, "sealed/d"), "nothing sealed");
    };
    expect(await passwordOf("age:sealed/a.json#admin", prepare)).toBe("of the JSON");
    expect(await passwordOf("age:sealed/b.env#ADMIN", prepare)).toBe("of the lines");
    expect(await passwordOf("age:sealed/c", prepare)).toBe("of the whole");
    expect(await passwordOf("age:sealed/a.json#none", prepare)).toContain("sealed/a.json has no none");
    expect(await passwordOf("age:sealed/d#x", prepare)).toContain(
      "cannot decrypt sealed/d with this identity",
    );
    vi.stubEnv("PHOENIX_AGE_IDENTITY_FILE", "/nowhere");
    const forgotten = (directory: string): void => writeFileSync(join(directory, "e"), "x");
    expect(await passwordOf("age:e#x", forgotten)).toContain("no age identity in /nowhere");
  });

  test("a URL is no reference", async () => {
    expect(await passwordOf("file:///srv/data.db")).toBe("file:///srv/data.db");
  });
});

describe("what reaches beyond the site", () => {
  const withPassword = (written: string) =>
    `=== etc/phoenix_hypervisor_config.json replace\n--- "file:secrets/portainer"\n+++ ${JSON.stringify(written)}\n`;

  test("a command does not run without consent, and nothing is wrong without its value", async () => {
    await inDirectory(async (directory) => {
      layOut(directory, withPassword("exec:touch ran"));
      const { problems, outer } = await loadSite(directory, { runsCommands: false });
      expect(problems).toEqual([]);
      expect(outer).toMatchObject([{ kind: "command", target: "touch", isRead: false }]);
      expect(existsSync(join(directory, "ran"))).toBe(false);
      await loadSite(directory, { runsCommands: true });
      expect(existsSync(join(directory, "ran"))).toBe(true);
    });
  });

  test("check asks for consent, and lists files outside of the site", async () => {
    await inDirectory(async (directory) => {
      layOut(directory, withPassword("exec:printf canary-of-a-command"));
      const { stdout, code } = await call(["check", "--site", directory]);
      expect(stdout).toContain(
        "this secret comes from a command, which was not run: printf (--allow commands runs it)",
      );
      expect(stdout).not.toContain("canary");
      expect(code).toBe(0);
      const allowed = await call(["check", "--site", directory, "--allow", "commands"]);
      expect(allowed.stdout).toContain("which was run: printf");
    });
    await inDirectory(async (directory) => {
      layOut(directory, withPassword("file:/etc/passwd"));
      const { stdout } = await call(["check", "--site", directory, "--output", "json"]);
      expect(JSON.parse(stdout).notes).toEqual([
        expect.stringMatching(
          /^etc\/phoenix_hypervisor_config\.json:\d+:\d+: .*outside of the site: \/etc\/passwd$/,
        ),
      ]);
      expect(stdout).not.toContain("root:");
    });
  });

  test("a link that leads out is not followed, whatever names it, and nothing of its target is told", async () => {
    const target = join(mkdtempSync(join(tmpdir(), "phoenix-outside-")), "target");
    writeFileSync(target, '{ "canary": [1,\ncanary: *canary\n');
    for (const [link, extra] of [
      ["etc/phoenix_hypervisor_config.json", ""],
      ["etc/phoenix_vm_configs.json", ""],
      ["stacks/wiki/docker-compose.yml", ""],
      ["stacks/wiki/phoenix.json", ""],
      ["etc/phoenix_stacks_config.json", ""],
      ["secrets/portainer", ""],
      ["stacks/wiki/configs/wiki.conf", ""],
      ["stacks/wiki/configs", ""],
      ["stacks/other", ""],
      ["secrets/wiki", ""],
    ]) {
      for (const leadsTo of [target, `${target}-that-is-not-there`]) {
        await inDirectory(async (directory) => {
          layOut(directory, extra ?? "");
          rmSync(join(directory, link ?? ""), { recursive: true, force: true });
          symlinkSync(leadsTo, join(directory, link ?? ""));
          const { stdout, stderr, code } = await call(["check", "--site", directory]);
          expect(stdout, link).toMatch(/PHX0007|outside of the site|a link that leads out of the site/);
          expect(stdout + stderr, link).not.toMatch(/canary|phoenix-outside/);
          expect(code, link).toBe(1);
        });
      }
    }
  });
});

test("what is written in the clear is a warning, kept, and hidden in excerpts", async () => {
  await inDirectory(async (directory) => {
    layOut(
      directory,
      '=== stacks/wiki/phoenix.json replace\n--- "file:secrets/wiki"\n+++ "canary-5d1e"\n--- "1.4"\n+++ ""\n',
    );
    const { sources, problems } = await loadSite(directory);
    expect(problems.map(({ code }) => code)).toContain("PHX0102");
    expect(problems.map(problemText).join("\n")).not.toContain("canary");
    expect([...sources.values()].join("\n")).not.toContain("canary");
  });
});
