/** Whether containers stay up: proved by their processes' identity over time, in the lab's engine, which restarts as Docker does. */
import { describe, expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import { exitCodeOf } from "../../src/engine/outcome.ts";
import { syncLab, verifyLab } from "./session.ts";
import { stack, stacksLab, withStacks } from "./stacks-site.ts";

const service = (image: string, more: string) => `services:\n  app:\n    image: ${image}\n${more}`;
const good = service("nginx:1.27", "    restart: unless-stopped\n");
const names = Array.from({ length: 10 }, (_, at) => `try${at}`);

const synced = async (text: string) => {
  const lab = await stacksLab();
  const result = await syncLab(lab.directory, withStacks(stack("app", text)), [stacks]);
  return { lab, result, only: result.components[0]! };
};

describe("a container that ends again and again after an update", () => {
  // Lives of different lengths: some are seen running, some waiting for their next start.
  const ends = (at: number) =>
    at === 0
      ? '    entrypoint: ["/bin/false"]\n'
      : `    command: ["sh", "-c", "sleep 0.${at - 1}; exit ${at % 2}"]\n`;

  test.each(["2.39.1", "2.45.0"] as const)(
    "is taken back in ten of ten tries, and the previous stack runs (%s)",
    async (version) => {
      const lab = await stacksLab(version);
      const before = withStacks(...names.map((name) => stack(name, good)));
      expect(exitCodeOf(await syncLab(lab.directory, before, [stacks]))).toBe(0);
      const broken = names.map((name, at) =>
        stack(name, service("nginx:1.27", `    restart: unless-stopped\n${ends(at)}`)),
      );
      const result = await syncLab(lab.directory, withStacks(...broken), [stacks]);
      expect(exitCodeOf(result)).toBe(7);
      expect(result.components[0]).toMatchObject({ outcome: "rolled-back", changes: [] });
      expect(await lab.running()).toEqual(names.map((name) => `${name}-app-1`));
      const after = await syncLab(lab.directory, before, [stacks]);
      expect(after.components[0]).toMatchObject({ outcome: "unchanged" });
      expect(exitCodeOf(after)).toBe(0);
    },
  );

  test("is found by a plan and named by verify when it began later", async () => {
    const { lab } = await synced(good);
    const { id, env } = (await lab.api.stacks())[0]!;
    const file = service("nginx:1.27", '    restart: always\n    entrypoint: ["/bin/false"]\n');
    await lab.api.updateStack(id, lab.environmentId, { name: "app", file, env });
    const site = withStacks(stack("app", file));
    const result = await verifyLab(lab.directory, site, [stacks]);
    const [check] = result.components[0]!.checks.filter(({ status }) => status === "fail");
    expect(check).toMatchObject({ claim: "app of app runs on drphoenix" });
    expect(check?.observed).toMatch(/^ends again and again \(\d+ restarts so far\): Restarting \(1\)/);
  });
});

describe("a container that stays up", () => {
  test("is proved by one look once it has run for long", async () => {
    const { lab } = await synced(good);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const result = await verifyLab(lab.directory, withStacks(stack("app", good)), [stacks]);
    expect(exitCodeOf(result)).toBe(0);
    expect(result.events.filter(({ type }) => type === "waiting")).toEqual([]);
  });

  test.each([
    ["a job that ends well", '    command: ["true"]\n'],
    [
      "a job that takes its time",
      '    command: ["sh", "-c", "sleep 0.3; exit 0"]\n    restart: on-failure\n',
    ],
  ])("%s counts as deployed", async (_, more) => {
    const { result, only } = await synced(service("alpine:3", more));
    expect(exitCodeOf(result)).toBe(0);
    expect(only.outcome).toBe("changed");
  });

  test.each([
    ["a job that fails", '    command: ["sh", "-c", "sleep 0.3; exit 3"]\n', /exited: Exited \(3\)/],
    [
      "a service that is restarted only so often",
      '    command: ["false"]\n    restart: on-failure:2\n',
      /exited: Exited \(1\)/,
    ],
  ])("%s does not", async (_, more, reason) => {
    const { result, only } = await synced(service("alpine:3", more));
    expect(exitCodeOf(result)).toBe(7);
    expect(only.reason).toMatch(reason);
  });
});

describe("a health check", () => {
  const checked = (test: string, more = "") =>
    service(
      "nginx:1.27",
      `    restart: always\n    healthcheck:\n      test: ${test}\n      interval: 300ms\n      timeout: 100ms\n      retries: 2\n${more}`,
    );

  test("that passes within its start period is waited for", async () => {
    const slow = "      start_period: 10s\n      start_interval: 1500ms\n      interval: 1500ms\n";
    const text = checked('["CMD", "true"]', slow).replace("      interval: 300ms\n", "");
    const { result, only } = await synced(text);
    expect(exitCodeOf(result)).toBe(0);
    expect(only.checks.map(({ status }) => status)).toEqual(["pass"]);
    expect(result.events).toContainEqual(
      expect.objectContaining({ type: "waiting", for: "the health of app-app-1" }),
    );
  });

  test("that ends unhealthy takes the deployment back", async () => {
    const { result, only } = await synced(checked('["CMD-SHELL", "exit 1"]'));
    expect(exitCodeOf(result)).toBe(7);
    expect(only.reason).toContain("app-app-1 is unhealthy");
  });
});
