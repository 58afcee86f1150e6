/** A site of ten thousand guests is read in time that grows with its size and no faster. */
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { generateSite } from "../../bench/generate.ts";
import { loadSite } from "../../src/site/load.ts";
import { inDirectory } from "./tree.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Processor seconds: other work on the machine must not decide. */
async function secondsFor(root: string, guests: number): Promise<number> {
  const before = process.cpuUsage();
  const { site, problems } = await loadSite(root);
  const { user, system } = process.cpuUsage(before);
  expect(problems).toEqual([]);
  expect(site?.guests).toHaveLength(guests);
  return (user + system) / 1e6;
}

test("ten thousand guests", { timeout: 60_000 }, async () => {
  vi.stubEnv("BENCH_ADMIN_PASSWORD", "bench-password-1");
  await inDirectory(async (directory) => {
    const [small, large] = [join(directory, "small"), join(directory, "large")];
    generateSite(small, 1_000);
    generateSite(large, 10_000);
    await secondsFor(small, 1_000);
    const [one, ten] = [await secondsFor(small, 1_000), await secondsFor(large, 10_000)];
    expect(ten).toBeLessThan(4);
    expect(ten / Math.max(one, 0.05)).toBeLessThan(25);
  });
});
