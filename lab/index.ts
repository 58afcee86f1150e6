/** The lab as the product knows it. What makes and opens labs is loaded when it is used: help and completion need names only. */
import type { World } from "../src/hosts/world.ts";
import type { Site } from "../src/model.ts";
import type { LabOptions } from "./lab.ts";

export { breakLab, faultDescriptions, faultRoles, labStatus, mendLab } from "./faults.ts";
export { readLab } from "./lab-file.ts";

/** See lab.ts. */
export async function openLab(directory: string, options: LabOptions): Promise<World> {
  const lab = await import("./lab.ts");
  return lab.openLab(directory, options);
}

/** See init.ts. */
export async function initLab(directory: string, site: Site): Promise<void> {
  const init = await import("./init.ts");
  await init.initLab(directory, site);
}

/** See init.ts. */
export async function resetLab(directory: string): Promise<void> {
  const init = await import("./init.ts");
  await init.resetLab(directory);
}
