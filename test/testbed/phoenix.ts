/** Phoenix inside the testbed's hypervisor, started as an operator there starts it. Runs take their time: each says so. */
import { expect } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { type WholeSite, whole } from "../whole-site.ts";
import { type Ended, environment, expectRun, run, say, write } from "./machines.ts";

/** `phoenix ...` inside pve. Its last line says what happened, and goes into the output of the tests. */
export async function phoenix(why: string, ...args: readonly string[]): Promise<Ended> {
  return told(why, args, () => run("pve", ["phoenix", ...args]));
}

/** The same for somebody who has come over SSH from another machine. */
export async function phoenixOver(from: string, to: string, why: string, ...args: readonly string[]) {
  const session = `SSH_CONNECTION=${from} 40000 ${to} 22`;
  return told(why, args, () => run("pve", ["env", session, "phoenix", ...args]));
}

async function told(why: string, args: readonly string[], start: () => Promise<Ended>): Promise<Ended> {
  say(`phoenix ${args.join(" ")} (${why}) …`);
  const started = Date.now();
  const ended = await start();
  const seconds = Math.round((Date.now() - started) / 1000);
  const last = ended.stdout.trimEnd().split("\n").at(-1) ?? "";
  say(`  ended with ${ended.exitCode} after ${seconds} s${last.startsWith("}") ? "" : `: ${last}`}`);
  return ended;
}

/** A sync of everything that must succeed. @returns what it printed */
export async function converge(why: string): Promise<string> {
  const { exitCode, stdout, stderr } = await phoenix(why, "sync", "all");
  expect(exitCode, stdout + stderr).toBe(0);
  return stdout;
}

/** What `phoenix plan` would change, by resource. The exit code has been looked at: 2 when there is something, else 0. */
export async function planned(why: string, ...targets: readonly string[]): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await phoenix(why, "plan", ...targets, "--output", "json");
  const { components } = JSON.parse(stdout || "{}") as {
    components?: readonly { readonly changes: readonly { readonly id: string }[] }[];
  };
  if (components === undefined) throw new Error(`phoenix plan ended with ${exitCode}: ${stderr}`);
  const ids = components.flatMap(({ changes }) => changes.map(({ id }) => id)).sort();
  expect(exitCode, stderr).toBe(ids.length > 0 ? 2 : 0);
  return ids;
}

/** @throws Error when the site has errors */
export async function siteIn(root: string): Promise<WholeSite> {
  const { site, problems } = await loadSite(root);
  if (site !== undefined) return whole(site);
  throw new Error(problems.map(({ message, at }) => `${at.file}:${at.line}: ${message}`).join("\n"));
}

/** Proxmox asks the guest agent once a second, and its firewall looks at its files every ten: here both are quicker. */
export async function hurry(...others: readonly "pve2"[]): Promise<void> {
  for (const node of ["pve", ...others] as const) {
    await write(node, "/etc/testbed/agent-poll-ms", "100");
    await write(node, "/etc/testbed/firewall-tick-ms", "500");
    await expectRun(node, ["systemctl", "restart", "pve-firewall"]);
  }
}

/** The testbed's directory, where the machines' files lie. */
export const runDirectory = environment.PHOENIX_TESTBED_RUN;
