/** The sites that every scenario is shown with: the example of this repository, and a real one where it is at hand. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { generateSite } from "../../../bench/generate.ts";
import { loadSite } from "../../../src/site/load.ts";
import { hasRealSite, overlay, realSite } from "../../sites/overlay.ts";
import { type WholeSite, whole } from "../../whole-site.ts";
import { shared } from "./shared.ts";

export interface Scenario {
  readonly name: string;
  /** The site's directory. */
  readonly root: string;
  /** What its secret references need. */
  readonly env: Readonly<Record<string, string>>;
}

const repository = join(import.meta.dirname, "../../..");

export const homelab: Scenario = { name: "homelab", root: join(repository, "examples/homelab"), env: {} };

/** A site with one of everything: what is tried hundreds of times is tried with it. */
export function small(): Scenario {
  const root = join(shared(), "site-small");
  const env = { BENCH_ADMIN_PASSWORD: "a password of the small site" };
  // Calls in this process resolve references by its own environment.
  Object.assign(process.env, env);
  if (!existsSync(root)) {
    const fresh = `${root}.${process.pid}`;
    generateSite(fresh, 6);
    inPlace(fresh, root);
  }
  return { name: "small", root, env };
}

/** All of them; the real one, with its owner's mistakes corrected, only where it lies beside the repository. */
export function scenarios(): readonly Scenario[] {
  if (!hasRealSite) return [homelab];
  const root = join(shared(), "site-thinkheads");
  if (!existsSync(root)) {
    const fresh = `${root}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    cpSync(realSite, fresh, { recursive: true });
    cpSync(overlay, fresh, { recursive: true });
    inPlace(fresh, root);
  }
  return [homelab, { name: "thinkheads", root, env: {} }];
}

/** Moves a finished directory into its place, unless another worker was quicker. */
function inPlace(fresh: string, place: string): void {
  try {
    renameSync(fresh, place);
  } catch {
    rmSync(fresh, { recursive: true });
  }
}

/** The site of a scenario as a value. @throws Error when it has errors */
export async function siteOf({ root }: Scenario): Promise<WholeSite> {
  const { site, problems } = await loadSite(root);
  if (site !== undefined) return whole(site);
  throw new Error(problems.map(({ message, at }) => `${at.file}:${at.line}: ${message}`).join("\n"));
}
