/** The example site on real machines: built from nothing, looked at from outside, damaged in every way, and brought back. */
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { converges } from "./converges.ts";
import { doctors } from "./doctor.ts";
import { drifts } from "./drifts.ts";
import { failures } from "./failures.ts";
import { imports } from "./import.ts";
import { lockout } from "./lockout.ts";
import { boot, down, say, unavailable } from "./machines.ts";
import { siteIn } from "./phoenix.ts";
import { traces } from "./trace.ts";

const root = join(import.meta.dirname, "../../examples/homelab");

describe.skipIf(unavailable !== undefined)("the example site on real machines", () => {
  let site: WholeSite;
  beforeAll(async () => {
    say(
      "booting the example site: pve, 10 guests, a client (half a minute; the first time everything is built) …",
    );
    site = await siteIn(root);
    await boot(root);
  });
  afterAll(down);

  doctors();
  converges(() => site);
  imports(() => site);
  traces(() => site);
  drifts(() => site);
  failures(() => site);
  lockout(() => site);
});
