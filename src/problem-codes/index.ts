/** Every problem that Phoenix reports about a site. A code keeps its meaning forever and is never reused for another problem. */
import { certificateCodes } from "./certificates.ts";
import { fileCodes } from "./files.ts";
import { firewallCodes } from "./firewall.ts";
import { guestCodes } from "./guests.ts";
import type { ProblemKind } from "./kind.ts";
import { noticeCodes } from "./notices.ts";
import { portainerCodes } from "./portainer.ts";
import { serviceCodes } from "./services.ts";
import { stackCodes } from "./stacks.ts";
import { swarmCodes } from "./swarms.ts";

/** In the order of the codes. */
export const problemCodes = {
  ...fileCodes,
  ...guestCodes,
  ...serviceCodes,
  ...stackCodes,
  ...firewallCodes,
  ...certificateCodes,
  ...portainerCodes,
  ...noticeCodes,
  ...swarmCodes,
} as const satisfies Readonly<Record<`PHX${number}`, ProblemKind>>;

export type ProblemCode = keyof typeof problemCodes;
