/** The lab as the product knows it. What makes and opens labs is loaded when it is used: help and completion need names only. */
import type { World } from "../src/hosts/world.ts";
import type { Site } from "../src/model.ts";
import type { LabStatus } from "./faults.ts";
import type { InitOptions } from "./init.ts";
import type { LabOptions } from "./lab.ts";

export { breakLab, faultDescriptions, faultRoles, mendLab } from "./faults.ts";
export { readLab } from "./lab-file.ts";

/** See lab.ts. */
export async function openLab(directory: string, options: LabOptions): Promise<World> {
  const lab = await import("./lab.ts");
  return lab.openLab(directory, options);
}

/** See init.ts. */
export async function initLab(directory: string, site: Site, options?: InitOptions): Promise<void> {
  const init = await import("./init.ts");
  await init.initLab(directory, site, options);
}

/** See init.ts. */
export async function resetLab(directory: string): Promise<void> {
  const init = await import("./init.ts");
  await init.resetLab(directory);
}

/** See move.ts. */
export async function moveGuest(directory: string, guest: string, node: string): Promise<void> {
  const move = await import("./move.ts");
  move.moveGuest(directory, guest, node);
}

/** See status.ts. */
export async function labStatus(directory: string): Promise<LabStatus> {
  const status = await import("./status.ts");
  return status.placedStatus(directory);
}
