/** Files that no editor wrote: each ends quickly in a problem with its place, never in a stack trace or a wrong site. */
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SiteError } from "../../src/errors.ts";
import { loadSite } from "../../src/site/load.ts";
import { JsonSyntaxError, parseJson } from "../../src/site/text/json.ts";
import { inDirectory, layOut, problemText } from "./tree.ts";

const vms = "etc/phoenix_vm_configs.json";
const lxc = "etc/phoenix_lxc_configs.json";

async function problemsOf(spoil: (directory: string) => void): Promise<readonly string[]> {
  return inDirectory(async (directory) => {
    layOut(directory, "");
    spoil(directory);
    const { site, problems } = await loadSite(directory);
    expect(site === undefined).toBe(problems.some(({ severity }) => severity === "error"));
    return problems.map((problem) => problemText(problem).replaceAll(directory, "ROOT"));
  });
}

describe("files", () => {
  test("50 MB end quickly", async () => {
    const started = performance.now();
    const [first] = await problemsOf((directory) => truncateSync(join(directory, vms), 50_000_000));
    expect(first).toBe(
      `${vms}:1:1 error PHX0003 ${vms} is 48 MiB, more than the limit of 16 MiB\n` +
        "  hint: check whether it is a log or a dump instead of a configuration file",
    );
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("what is no UTF-8", async () => {
    const latin = Buffer.from('{ "vms": [] } // caf\xe9', "latin1");
    const [first] = await problemsOf((directory) => writeFileSync(join(directory, vms), latin));
    expect(first).toContain("PHX0004");
    const [utf16] = await problemsOf((directory) =>
      writeFileSync(join(directory, vms), Buffer.from('\ufeff{ "vms": [] }', "utf16le")),
    );
    expect(utf16).toContain("PHX0004");
  });

  test("a link that leads nowhere, and one that leads to itself", async () => {
    const told = await problemsOf((directory) => {
      for (const [name, target] of [
        [vms, "nowhere"],
        [lxc, join(directory, lxc)],
      ] as const) {
        rmSync(join(directory, name));
        symlinkSync(target, join(directory, name));
      }
    });
    expect(told).toEqual([
      `${lxc}:1:1 error PHX0002 cannot read ${lxc}: too many symbolic links encountered`,
      `${vms}:1:1 error PHX0001 ${vms} does not exist`,
    ]);
  });

  test("what nests without end", async () => {
    const [first] = await problemsOf((directory) =>
      writeFileSync(join(directory, vms), "[".repeat(1_000_000)),
    );
    expect(first).toContain("PHX0005 nested more than 200 levels deep");
  });

  test("a file that a stack's link leads out of the site for", async () => {
    const told = await problemsOf((directory) => {
      rmSync(join(directory, "stacks/wiki/configs/wiki.conf"));
      symlinkSync("/etc/hostname", join(directory, "stacks/wiki/configs/wiki.conf"));
    });
    expect(told[0]).toContain("PHX0407 configs/wiki.conf is outside of the site");
  });

  test.each([
    ["an unknown alias", "services:\n  web:\n    image: a\n    environment:\n      TOOL: *Sup3rS3cret!\n"],
    [
      "an alias with a space in it",
      "services:\n  web:\n    image: a\n    environment:\n      TOOL: *Sup3r S3cret\n",
    ],
    ["an open quote", 'services:\n  web:\n    image: a\n    environment:\n      TOOL: "Sup3r" S3cret\n'],
    ["a reserved character", "services:\n  web:\n    image: a\n    environment:\n      TOOL: @Sup3rS3cret\n"],
  ])("%s in a Compose file is told without the line's value", async (_, text) => {
    for (const file of ["stacks/wiki/docker-compose.yml", "stacks/portainer_service/docker-compose.yml"])
      await inDirectory(async (directory) => {
        layOut(directory, "");
        writeFileSync(join(directory, file), text);
        const { problems, sources } = await loadSite(directory);
        const fault = problems.find(({ at }) => at.file === file && at.line > 1);
        expect(fault?.code).toBe("PHX0405");
        expect(JSON.stringify(problems)).not.toMatch(/Sup3r|S3cret/);
        expect(sources.get(file)?.split("\n")[(fault?.at.line ?? 1) - 1]).not.toMatch(/Sup3r|S3cret/);
      });
  });

  test("all broken files are told at once", async () => {
    const told = await problemsOf((directory) => {
      for (const name of [vms, lxc, "etc/certificate-manifest.json", "stacks/wiki/phoenix.json"])
        writeFileSync(join(directory, name), "{");
    });
    expect(told.filter((line) => line.includes("PHX0005"))).toHaveLength(4);
  });
});

describe("keys", () => {
  test("of an object's own machinery are keys like others", async () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      const told = await problemsOf((directory) => {
        writeFileSync(join(directory, vms), `{ "vms": [], "${key}": { "vms": 1 } }`);
      });
      expect(told.join("\n")).toContain(`unknown key "${key}"`);
    }
    expect(({} as Record<string, unknown>).vms).toBeUndefined();
  });

  test("of labels and variables as well", async () => {
    const told = await problemsOf((directory) =>
      writeFileSync(
        join(directory, "stacks/wiki/phoenix.json"),
        '{ "environments": { "production": { "services": { "__proto__": { "traefik_labels": ["a=b"] } } } } }',
      ),
    );
    expect(told.join("\n")).toContain('PHX0408 unknown service "__proto__"');
  });
});

describe("the directory", () => {
  test("is not there, is a file, or is no site", async () => {
    await inDirectory(async (directory) => {
      await expect(loadSite(join(directory, "nowhere"))).rejects.toThrow(SiteError);
      await expect(loadSite(directory)).rejects.toThrow(/is not a site: it has no etc\//);
      writeFileSync(join(directory, "file"), "");
      await expect(loadSite(join(directory, "file"))).rejects.toThrow(/is not a directory/);
      mkdirSync(join(directory, "etc"));
      const { site, problems } = await loadSite(directory);
      expect(site).toBeUndefined();
      expect(problems.map(({ code }) => code)).toEqual(["PHX0001"]);
    });
  });
});

describe("JSON", () => {
  test.each([
    ['{"a": 1,}', undefined],
    ['// x\n{"a": /* y */ [1, 2,]}', undefined],
    ['{"a": 01}', 6],
    ['{"a": +1}', 6],
    ['{"a": NaN}', 6],
    ['{"a": "b\nc"}', 6],
    ['{"a": "\\x"}', 6],
    ['{"a": "\t"}', 7],
    ['{"a": 1} x', 9],
    ["{'a': 1}", 1],
    ['{"a" 1}', 5],
    ['{"a": /* ', 6],
    ['{"a": [1', 8],
    ["", 0],
    ["  ", 0],
  ])("%j", (text, offset) => {
    try {
      parseJson(text);
      expect(offset).toBeUndefined();
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      expect(error.offset).toBe(offset);
    }
  });

  test("never repeats a value that lost its quotes", () => {
    expect(() => parseJson('{"password": hunter2}')).toThrow("expected a value, got text without quotes");
  });
});
