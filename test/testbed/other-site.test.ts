/** A site of somebody else on real machines: other addresses, ids, names and another domain, and nothing of it in the code. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe } from "vitest";
import { correctedSite, hasRealSite } from "../sites/overlay.ts";
import type { WholeSite } from "../whole-site.ts";
import { converges } from "./converges.ts";
import { boot, down, say, unavailable } from "./machines.ts";
import { siteIn } from "./phoenix.ts";

const missing =
  unavailable ?? (hasRealSite ? undefined : "the real site does not lie beside this repository");
if (!hasRealSite) say(`a real site is skipped: ${missing}`);

describe.skipIf(missing !== undefined)("a real site on real machines", () => {
  let root: string;
  let site: WholeSite;
  beforeAll(async () => {
    say("booting a real site …");
    root = correctedSite();
    site = await siteIn(root);
    await boot(root);
  });
  afterAll(async () => {
    await down();
    rmSync(root, { recursive: true });
  });

  converges(() => site);
});
