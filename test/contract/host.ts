/**
 * What every host promises (src/hosts/host.ts), as one suite: local, ssh, pct, qm and the embedded lab run it alike. It looks at
 * the host through the host alone.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { CommandError, TransportError } from "../../src/errors.ts";
import type { Host } from "../../src/hosts/host.ts";

export interface HostUnderTest {
  readonly host: Host;
  /** An absolute path of an empty directory on the host. */
  readonly directory: string;
}

export interface HostContractOptions {
  /** Whether the host has a real shell: `sh -c` with any text, `cat`, `sleep`. False for the lab, which acts programs out. */
  readonly shell?: boolean;
  /** Whether commands run as root, so that owners can be set. */
  readonly root?: boolean;
  /** Milliseconds that one test may take; generous for `qm`, which polls once a second. */
  readonly timeoutMs?: number;
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

export function hostContract(
  name: string,
  make: () => Promise<HostUnderTest>,
  { shell = true, root = true, timeoutMs = 10_000 }: HostContractOptions = {},
): void {
  describe(`host contract: ${name}`, { timeout: timeoutMs }, () => {
    let host: Host;
    let base: string;
    let count = 0;
    beforeAll(async () => {
      ({ host, directory: base } = await make());
    }, 30_000);
    /** A path that no other test uses; its directory does not exist yet. */
    const fresh = (file = "file.conf"): string => `${base}/t${count++}/${file}`;
    const read = async (path: string) => (await host.readFiles([path])).get(path);
    const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

    describe("writeFiles and readFiles", () => {
      test("a file is written with its text and mode, its parents made", async () => {
        const path = fresh("a/b/c.conf");
        await host.writeFiles([{ path, text: "one\ntwo\n", mode: "640" }]);
        expect(await read(path)).toMatchObject({ text: "one\ntwo\n", mode: "640" });
        expect((await read(path))?.link).toBeUndefined();
        expect(await host.list(directoryOf(path))).toEqual(["c.conf"]);
      });

      test("without a mode everybody may read it", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "x" }]);
        expect((await read(path))?.mode).toBe("644");
      });

      test("a file is replaced, and takes its new mode", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "old", mode: "644" }]);
        await host.writeFiles([{ path, text: "new", mode: "600" }]);
        expect(await read(path)).toMatchObject({ text: "new", mode: "600" });
        expect(await host.list(directoryOf(path))).toEqual(["file.conf"]);
      });

      test.runIf(root)("an owner is set; a user without a name shows as a number", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "x", mode: "600", owner: "root:root" }]);
        expect((await read(path))?.owner).toBe("root:root");
        await host.writeFiles([{ path, text: "x", mode: "600", owner: "54321:54322" }]);
        expect((await read(path))?.owner).toBe("54321:54322");
      });

      test("many files are one round trip, and absent ones are missing", async () => {
        const paths = Array.from({ length: 40 }, (_, at) => fresh(`f${at}`));
        await host.writeFiles(paths.map((path, at) => ({ path, text: `text ${at}\n` })));
        const absent = fresh();
        const files = await host.readFiles([...paths, absent]);
        expect([...files.values()].map(({ text }) => text)).toEqual(paths.map((_, at) => `text ${at}\n`));
        expect(files.has(absent)).toBe(false);
      });

      test("files that are all there have each their own text, mode and owner", async () => {
        const texts = [
          "",
          "a",
          "\n",
          "no newline\nat the end",
          "",
          "Grüße, \u{1F525}\n",
          "caf\udce9",
          "x".repeat(5_000),
          "",
        ];
        const writes = texts.map((text, at) => ({
          path: fresh(`t${at}`),
          text,
          mode: at % 2 === 0 ? "600" : "644",
        }));
        await host.writeFiles(writes);
        const files = await host.readFiles(writes.map(({ path }) => path));
        expect([...files].map(([path, { text, mode }]) => ({ path, text, mode }))).toEqual(writes);
        expect(new Set([...files.values()].map(({ owner }) => owner)).size).toBe(1);
        const empty = writes.flatMap(({ path, text }) => (text === "" ? [path] : []));
        expect([...(await host.readFiles(empty)).values()].map(({ text }) => text)).toEqual(["", "", ""]);
      });

      test("files that are all there, one of them a link", async () => {
        const [path, other] = [fresh("there"), fresh("other")];
        await host.writeFiles([
          { path, text: "there\n" },
          { path: other, text: "other\n" },
        ]);
        const link = `${path}-link`;
        await host.expect({ argv: ["ln", "-s", other, link], effect: "change" });
        const files = await host.readFiles([path, link]);
        expect([...files.values()].map(({ text }) => text)).toEqual(["there\n", "other\n"]);
        expect(files.get(link)?.link).toBe(other);
      });

      test.each([
        ["nothing", ""],
        ["one newline", "\n"],
        ["no newline at the end", "a\nb"],
        ["Windows line ends", "a\r\nb\r\n"],
        ["unicode", "Grüße, 世界, \u{1F525} and a BOM \ufeff\n"],
        ["what a shell would read as more", "$(touch /tmp/no) `id` \\n %s \"'\t#!\n"],
      ])("text survives byte for byte: %s", async (_, text) => {
        const path = fresh();
        await host.writeFiles([{ path, text }]);
        expect((await read(path))?.text).toBe(text);
      });

      test("bytes that are not UTF-8 survive being read and written back", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "caf\udce9 \udcff\udc80 é\n" }]);
        expect((await read(path))?.text).toBe("caf\udce9 \udcff\udc80 é\n");
      });

      test("a text of half a mebibyte", { timeout: 60_000 }, async () => {
        const path = fresh();
        const text = "0123456789abcde\n".repeat(32 * 1024);
        await host.writeFiles([{ path, text }]);
        expect((await read(path))?.text === text).toBe(true);
      });

      test.each([
        "with space",
        "with 'single' and \"double\" quotes",
        "with $(id) `id` $HOME \\",
        "-rf",
        "line\nbreak",
        "*",
      ])("any name is a name: %j", async (name) => {
        const path = fresh(name);
        await host.writeFiles([{ path, text: name, mode: "600" }]);
        expect((await read(path))?.text).toBe(name);
        expect(await host.list(directoryOf(path))).toEqual([name]);
        await host.remove([path]);
        expect(await read(path)).toBeUndefined();
      });

      test("a staging directory is used and left clean", async () => {
        const path = fresh("watched/dynamic.yml");
        const staging = directoryOf(directoryOf(path));
        await host.writeFiles([{ path, text: "{}", staging }]);
        expect((await read(path))?.text).toBe("{}");
        expect(await host.list(staging)).toEqual(["watched"]);
      });

      test("nothing is replaced when one of several files cannot be", async () => {
        const [first, second] = [fresh(), fresh("directory/inside")];
        await host.writeFiles([
          { path: first, text: "before" },
          { path: second, text: "x" },
        ]);
        const failure = await rejection(
          host.writeFiles([
            { path: first, text: "after" },
            { path: directoryOf(second), text: "a directory is in my place" },
          ]),
        );
        expect(failure).toBeInstanceOf(CommandError);
        expect((failure as Error).message).toContain(directoryOf(second));
        expect((failure as Error).message).toContain("a directory is in its place");
        expect((await read(first))?.text).toBe("before");
        expect(await host.list(directoryOf(first))).toEqual(["file.conf"]);
      });

      test("a file in place of a parent directory is an error that names the path", async () => {
        const file = fresh();
        await host.writeFiles([{ path: file, text: "x" }]);
        const failure = await rejection(host.writeFiles([{ path: `${file}/below`, text: "y" }]));
        expect(failure).toBeInstanceOf(CommandError);
        expect((failure as Error).message).toContain(`${file}/below`);
      });

      test("readers see the old text or the new one, never less", async () => {
        const path = fresh();
        const texts = ["a", "b"].map((letter) => letter.repeat(100_000));
        await host.writeFiles([{ path, text: texts[0] ?? "" }]);
        const seen: (string | undefined)[] = [];
        const writes = (async () => {
          for (let at = 1; at <= 3; at++) await host.writeFiles([{ path, text: texts[at % 2] ?? "" }]);
        })();
        const reads = (async () => {
          for (let at = 0; at < 5; at++) seen.push((await read(path))?.text);
        })();
        await Promise.all([writes, reads]);
        expect(seen.every((text) => text !== undefined && texts.includes(text))).toBe(true);
        expect((await read(path))?.text === texts[1]).toBe(true);
      });

      test("writes side by side do not disturb each other", async () => {
        const directory = directoryOf(fresh());
        const paths = Array.from({ length: 6 }, (_, at) => `${directory}/${at}`);
        await Promise.all(paths.map((path) => host.writeFiles([{ path, text: path }])));
        const files = await host.readFiles(paths);
        expect(paths.map((path) => files.get(path)?.text)).toEqual(paths);
      });

      test("a directory cannot be read as a file", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "x" }]);
        const failure = await rejection(host.readFiles([directoryOf(path)]));
        expect(failure).toBeInstanceOf(CommandError);
        expect((failure as Error).message).toContain("directory");
      });

      test("reading and writing nothing is fine", async () => {
        expect((await host.readFiles([])).size).toBe(0);
        await host.writeFiles([]);
        await host.remove([]);
      });
    });

    describe("symbolic links", () => {
      const link = (target: string, path: string): Promise<string> =>
        host.expect({ argv: ["ln", "-sfn", target, path], effect: "change" });

      test("a link shows its target and the target's text", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "behind", mode: "640" }]);
        await link(path, `${path}.link`);
        expect(await read(`${path}.link`)).toMatchObject({ text: "behind", link: path, mode: "640" });
      });

      test("a relative target shows as it is", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "behind" }]);
        await link("file.conf", `${path}.link`);
        expect(await read(`${path}.link`)).toMatchObject({ text: "behind", link: "file.conf" });
      });

      test("a link to nothing has no text, and is listed", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "x" }]);
        await link("nowhere", `${path}.link`);
        expect(await read(`${path}.link`)).toMatchObject({ text: "", link: "nowhere" });
        expect(await host.list(directoryOf(path))).toEqual(["file.conf", "file.conf.link"]);
      });

      test("writing replaces a link by a file and leaves its target alone", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "target" }]);
        await link(path, `${path}.link`);
        await host.writeFiles([{ path: `${path}.link`, text: "own" }]);
        expect((await read(`${path}.link`))?.link).toBeUndefined();
        expect((await read(`${path}.link`))?.text).toBe("own");
        expect((await read(path))?.text).toBe("target");
      });

      test("removing a link leaves its target", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "target" }]);
        await link(path, `${path}.link`);
        await host.remove([`${path}.link`]);
        expect(await host.list(directoryOf(path))).toEqual(["file.conf"]);
      });
    });

    describe("a path with a boundary", () => {
      const link = (target: string, path: string): Promise<string> =>
        host.expect({ argv: ["ln", "-sfn", target, path], effect: "change" });
      /** A share with stacks/queue and its marked path, and a directory outside that links lead to. */
      const share = async () => {
        const root = directoryOf(fresh());
        await host.writeFiles([
          { path: `${root}/share/stacks/queue/app.yml`, text: "inside" },
          { path: `${root}/outside/app.yml`, text: "secret", mode: "600" },
        ]);
        return { root, marked: `${root}/share/./stacks`, outside: `${root}/outside` };
      };
      const linkError = expect.objectContaining({ message: expect.stringContaining("symbolic link") });

      test("without a link means the same path", async () => {
        const { root, marked } = await share();
        expect((await read(`${marked}/queue/app.yml`))?.text).toBe("inside");
        expect(await read(`${marked}/queue/absent`)).toBeUndefined();
        expect(await read(`${marked}/nowhere/absent`)).toBeUndefined();
        await host.writeFiles([
          { path: `${marked}/queue/app.yml`, text: "new", mode: "640" },
          { path: `${marked}/other/deep/x`, text: "x" },
          { path: `${root}/share/./top`, text: "top" },
        ]);
        expect(await read(`${root}/share/stacks/queue/app.yml`)).toMatchObject({ text: "new", mode: "640" });
        expect(await host.list(marked)).toEqual(["other", "queue"]);
        expect(await host.list(`${marked}/nowhere`)).toEqual([]);
        await host.makeDirectory(`${marked}/made/here`, { mode: "700" });
        await host.makeDirectory(`${marked}/made/here`, { mode: "755" });
        await host.remove([`${marked}/other/deep/x`, `${marked}/other/absent`, `${marked}/nowhere/absent`]);
        expect(await host.list(`${marked}/other/deep`)).toEqual([]);
        expect((await read(`${root}/share/./top`))?.text).toBe("top");
      });

      test("several files of it are read, each its own", async () => {
        const { root, marked } = await share();
        const paths = [`${marked}/queue/app.yml`, `${root}/outside/app.yml`, `${root}/outside/absent`];
        const files = await host.readFiles(paths);
        expect([...files].map(([path, { text }]) => [path, text])).toEqual([
          [paths[0], "inside"],
          [paths[1], "secret"],
        ]);
      });

      test("a link in the place of a directory stops every operation, and nothing lands behind it", async () => {
        const { root, marked, outside } = await share();
        await host.remove([`${root}/share/stacks/queue/app.yml`]);
        await host.expect({ argv: ["rmdir", `${root}/share/stacks/queue`], effect: "change" });
        await link(outside, `${root}/share/stacks/queue`);
        const path = `${marked}/queue/app.yml`;
        for (const operation of [
          () => host.readFiles([path]),
          () => host.readFiles([`${marked}/queue/absent`]),
          () => host.list(`${marked}/queue`),
          () => host.writeFiles([{ path, text: "new", owner: "root:root" }]),
          () => host.writeFiles([{ path: `${marked}/queue/deep/x`, text: "new" }]),
          () => host.remove([path]),
          () => host.makeDirectory(`${marked}/queue`),
          () => host.makeDirectory(`${marked}/queue/deep`, { mode: "700", owner: "root:root" }),
        ])
          expect(await rejection(operation())).toEqual(linkError);
        expect(await read(`${outside}/app.yml`)).toMatchObject({ text: "secret", mode: "600" });
        expect(await host.list(outside)).toEqual(["app.yml"]);
      });

      test("a link in the place of a file is not read; writing and removing leave its target alone", async () => {
        const { root, marked, outside } = await share();
        const path = `${marked}/queue/app.yml`;
        await link(`${outside}/app.yml`, `${root}/share/stacks/queue/app.yml`);
        expect(await rejection(host.readFiles([path]))).toEqual(linkError);
        await host.writeFiles([{ path, text: "own" }]);
        expect(await read(path)).toMatchObject({ text: "own" });
        await link("../queue/nowhere", `${root}/share/stacks/queue/app.yml`);
        expect(await rejection(host.readFiles([path]))).toEqual(linkError);
        await host.remove([path]);
        expect(await host.list(`${marked}/queue`)).toEqual([]);
        expect(await read(`${outside}/app.yml`)).toMatchObject({ text: "secret", mode: "600" });
      });

      test("links before the boundary are the host's own", async () => {
        const { root } = await share();
        await link("share", `${root}/shortcut`);
        const path = `${root}/shortcut/./stacks/queue/app.yml`;
        await host.writeFiles([{ path, text: "through" }]);
        expect((await read(path))?.text).toBe("through");
        expect((await read(`${root}/share/stacks/queue/app.yml`))?.text).toBe("through");
      });
    });

    describe("makeDirectory", () => {
      test("makes what is missing, and leaves what is there", async () => {
        const path = directoryOf(fresh("a/b/c"));
        await host.makeDirectory(path, { mode: "700" });
        const mode = (directory: string) =>
          host.expect({ argv: ["stat", "-c", "%a", directory], effect: "read" });
        expect([await mode(path), await mode(directoryOf(path))]).toEqual(["700\n", "755\n"]);
        await host.makeDirectory(path);
        expect(await mode(path)).toBe("700\n");
      });

      test.runIf(root)("sets its owner", async () => {
        const path = directoryOf(fresh("a"));
        await host.makeDirectory(path, { mode: "750", owner: "54321:54322" });
        expect(await host.expect({ argv: ["stat", "-c", "%a %u:%g", path], effect: "read" })).toBe(
          "750 54321:54322\n",
        );
      });

      test("a file in its place is an error", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "x" }]);
        expect(await rejection(host.makeDirectory(path))).toBeInstanceOf(CommandError);
      });
    });

    describe("list and remove", () => {
      test("names are sorted, with hidden ones and directories", async () => {
        const directory = directoryOf(fresh());
        const names = ["b", "a", "C", ".hidden", "sub/x"];
        await host.writeFiles(names.map((name) => ({ path: `${directory}/${name}`, text: "x" })));
        expect(await host.list(directory)).toEqual([".hidden", "C", "a", "b", "sub"]);
      });

      test("a directory that is not there is empty", async () => {
        expect(await host.list(directoryOf(fresh()))).toEqual([]);
      });

      test("a file cannot be listed", async () => {
        const path = fresh();
        await host.writeFiles([{ path, text: "x" }]);
        expect(await rejection(host.list(path))).toBeInstanceOf(CommandError);
      });

      test("files go, absent ones are fine, a directory is refused", async () => {
        const [path, absent] = [fresh(), fresh()];
        await host.writeFiles([{ path, text: "x" }]);
        await host.remove([path, absent]);
        expect(await read(path)).toBeUndefined();
        expect(await rejection(host.remove([directoryOf(path)]))).toBeInstanceOf(CommandError);
      });
    });

    test("a program that is not there gives 127", async () => {
      const result = await host.run({ argv: ["phoenix-no-such-program"], effect: "read" });
      expect(result.exitCode).toBe(127);
    });

    describe.runIf(shell)("run and expect", () => {
      const sh = (text: string, ...parameters: string[]): string[] => ["sh", "-c", text, "sh", ...parameters];

      test.each([0, 1, 2, 127, 255])("exit code %i is a result", async (code) => {
        const result = await host.run({ argv: sh(`exit ${code}`), effect: "read" });
        expect(result).toEqual({ exitCode: code, stdout: "", stderr: "" });
      });

      test("a command that a signal ended gives 128 and the signal's number", async () => {
        const result = await host.run({ argv: sh("kill -KILL $$"), effect: "read" });
        expect(result.exitCode).toBe(137);
      });

      test("both outputs come apart and whole", async () => {
        const result = await host.run({
          argv: sh("echo out; echo Grüße >&2; exit 3".replace("Grüße", "$(cat)")),
          stdin: "Grüße",
          effect: "read",
        });
        expect(result).toEqual({ exitCode: 3, stdout: "out\n", stderr: "Grüße\n" });
      });

      test("arguments arrive as they are", async () => {
        const parameters = ["", "a b", "$HOME", "'\"", "*", "--", "-x", "\\", "line\nbreak", ";id"];
        const result = await host.expect({
          argv: sh(`for p; do printf '<%s>' "$p"; done`, ...parameters),
          effect: "read",
        });
        expect(result).toBe(parameters.map((parameter) => `<${parameter}>`).join(""));
      });

      test("standard input arrives whole; without one it is empty", async () => {
        const stdin = "0123456789\n".repeat(20_000);
        expect(await host.expect({ argv: ["cat"], stdin, effect: "read" })).toBe(stdin);
        expect(await host.expect({ argv: ["cat"], effect: "read" })).toBe("");
      });

      test("a command that does not read its input is no failure", async () => {
        const result = await host.run({ argv: ["true"], stdin: "x".repeat(500_000), effect: "read" });
        expect(result.exitCode).toBe(0);
      });

      test("expect throws what the command said, and not its input", async () => {
        const failure = await rejection(
          host.expect({ argv: sh("echo it is broken >&2; exit 4"), stdin: "poison", effect: "read" }),
        );
        expect(failure).toBeInstanceOf(CommandError);
        expect(failure).toMatchObject({ host: host.name, commandExitCode: 4 });
        expect((failure as Error).message).toContain("it is broken");
        expect((failure as Error).message).not.toContain("poison");
      });

      test("a command that takes too long is a transport error with the time", async () => {
        const started = Date.now();
        const failure = await rejection(
          host.run({ argv: ["sleep", "30"], effect: "read", timeoutMs: 1_000 }),
        );
        expect(failure).toBeInstanceOf(TransportError);
        expect((failure as Error).message).toBe(`sleep on ${host.name} did not end within 1 s`);
        expect(Date.now() - started).toBeLessThan(timeoutMs - 1_000);
      });
    });
  });
}
