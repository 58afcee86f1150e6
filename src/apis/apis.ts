/** The HTTP APIs that components talk to. One instance of each per run, so that one login serves the whole run. */
import type { PortainerApi } from "./portainer/index.ts";
import type { StepCaApi } from "./step-ca/index.ts";

export interface Apis {
  readonly portainer: PortainerApi;
  readonly stepCa: StepCaApi;
}
