/** Which of two gateways requests go through now. */
import type { Io } from "../component.ts";
import { hasAddress } from "../components/keepalived/holder.ts";
import { sidesOf } from "../components/nginx/gateways.ts";
import { frontAddress } from "../fabric/services.ts";
import type { Site } from "../model.ts";
import { Facts } from "./facts.ts";

/** One that hangs is not waited for: the trace has 5 s. Milliseconds. */
const lookMs = 1_000;

/** The site with the gateway that has the shared address as its gateway; the site as it is where none has it, or there is one gateway. */
export async function servingSite(io: Io): Promise<Site> {
  const sides = sidesOf(io.site);
  const address = frontAddress(io.site);
  if (sides.length === 1 || address === undefined) return io.site;
  const facts = new Facts(io);
  const seen = await Promise.all(
    sides.map(async ({ site }) => {
      const host = site.roles.gateway?.host ?? "pve";
      const has = await facts.ask(`holder ${host}`, () => hasAddress(io.host(host), address), lookMs);
      return { site, has: "value" in has && has.value };
    }),
  );
  return seen.find(({ has }) => has)?.site ?? io.site;
}
