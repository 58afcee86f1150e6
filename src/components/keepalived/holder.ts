/** Who has the shared address. */
import type { Host } from "../../hosts/host.ts";
import { commands } from "./commands.ts";

/** @throws what the machine's command throws */
export async function hasAddress(host: Host, address: string): Promise<boolean> {
  const text = await host.expect(commands.addresses);
  return text.split(/\s+/).some((word) => word.startsWith(`${address}/`));
}
