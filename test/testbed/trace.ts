/** Faults planted on real machines: `phoenix trace` names the hop and the line that declares it, in five seconds. */
import { join } from "node:path";
import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import { tracedNames } from "../../src/fabric/hops.ts";
import type { TraceDocument } from "../../src/render/output-schemas.ts";
import type { HostName } from "../../src/resource.ts";
import { type Hands, plantedFaults } from "../trace/faults.ts";
import { misdiagnosis, selfSigned } from "../trace/judge.ts";
import type { WholeSite } from "../whole-site.ts";
import { eventually, expectRun, run, write } from "./machines.ts";
import { machineOf } from "./reality.ts";

const root = join(import.meta.dirname, "../../examples/homelab");

const onMachine = (host: HostName) => (host === "pve" ? "pve" : machineOf(host));

/** Hands that remember how files were. */
class RealHands implements Hands {
  readonly #before = new Map<string, { host: HostName; path: string; text: string | undefined }>();

  readonly run = (host: HostName, ...argv: readonly string[]): Promise<string> =>
    expectRun(onMachine(host), argv);

  readonly edit = async (host: HostName, path: string, change: (text: string) => string): Promise<void> => {
    const text = await this.#remembered(host, path);
    const after = change(text ?? "");
    if (after === text) throw new Error(`${host}:${path} was not changed by the edit:\n${text}`);
    await write(onMachine(host), path, after);
  };

  readonly write = async (host: HostName, path: string, text: string): Promise<void> => {
    await this.#remembered(host, path);
    await write(onMachine(host), path, text);
  };

  readonly selfSigned = selfSigned;

  async #remembered(host: HostName, path: string): Promise<string | undefined> {
    const { exitCode, stdout } = await run(onMachine(host), ["cat", path]);
    const text = exitCode === 0 ? stdout : undefined;
    const key = `${host} ${path}`;
    if (!this.#before.has(key)) this.#before.set(key, { host, path, text });
    return text;
  }

  async restore(): Promise<void> {
    for (const { host, path, text } of this.#before.values())
      await (text === undefined
        ? expectRun(onMachine(host), ["rm", path])
        : write(onMachine(host), path, text));
  }
}

async function traced(...args: readonly string[]): Promise<TraceDocument> {
  const { stdout, stderr } = await run("pve", ["phoenix", "trace", ...args, "--output", "json"]);
  if (!stdout.startsWith("{")) throw new Error(stderr);
  return JSON.parse(stdout) as TraceDocument;
}

/** @param site answers the site once it has converged */
export function traces(site: () => WholeSite): void {
  describe("trace", () => {
    test("every name is well", async () => {
      const names = [
        ...tracedNames(site()),
        "pve",
        ...site()
          .guests.filter(({ template }) => !template)
          .map(({ host }) => host),
      ];
      const wrong: string[] = [];
      await pLimit(4).map(names, async (name) => {
        const document = await traced(name);
        const hops = document.ways.flatMap((way) => way.hops.filter(({ status }) => status !== "ok"));
        if (document.exitCode !== 0) wrong.push(`${name}: ${JSON.stringify(hops)}`);
      });
      expect(wrong).toEqual([]);
    }, 180_000);

    test.each(plantedFaults.filter(({ only }) => only !== "lab"))(
      "$what",
      async (fault) => {
        const hands = new RealHands();
        try {
          await fault.plant(hands);
          // Real machines need a moment to notice: Traefik its watch, the firewall its interval, Docker its health check.
          const document = await eventually(
            () => traced(...fault.trace),
            (seen) => misdiagnosis(root, fault, seen) === "",
          );
          expect(misdiagnosis(root, fault, document)).toBe("");
          expect(document.durationMs).toBeLessThan(5_000);
        } finally {
          await hands.restore();
          await fault.heal?.(hands);
        }
      },
      60_000,
    );
  });
}
