/** Import on real machines: a host that Phoenix built comes back as the site that it was built from. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadComponents } from "../../src/components/index.ts";
import type { Site } from "../../src/model.ts";
import type { WholeSite } from "../whole-site.ts";
import { expectRun } from "./machines.ts";
import { phoenix, siteIn } from "./phoenix.ts";

const target = "/root/imported";

/** @param site answers the site that the machines have converged to */
export function imports(site: () => WholeSite): void {
  describe("import", () => {
    test("writes a site that a sync would change nothing for, with the same resources", async () => {
      const { exitCode, stdout, stderr } = await phoenix(
        "a site from these machines",
        "import",
        target,
        "--output",
        "json",
      );
      const { changes, files } = JSON.parse(stdout || "{}") as {
        changes?: unknown;
        files?: readonly string[];
      };
      expect({ changes, exitCode }, stderr).toEqual({ changes: [], exitCode: 0 });
      const root = await mkdtemp(join(tmpdir(), "phoenix-imported-"));
      try {
        for (const path of files ?? []) {
          await mkdir(dirname(join(root, path)), { recursive: true });
          await writeFile(join(root, path), await expectRun("pve", ["cat", `${target}/${path}`]));
        }
        expect(await resourcesOf(await siteIn(root))).toEqual(await resourcesOf(site()));
      } finally {
        await rm(root, { recursive: true });
        await expectRun("pve", ["rm", "-r", target]);
      }
    }, 300_000);
  });
}

/** What is compiled, by id, but for the order and the places in the site's files. */
async function resourcesOf(site: Site): Promise<Readonly<Record<string, string>>> {
  const resources = (await loadComponents()).flatMap((component) => component.compile(site));
  return Object.fromEntries(resources.map(({ id, text }) => [id, text]));
}
