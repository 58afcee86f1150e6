/**
 * The table of prerequisites: everything that must be so before a sync can work. `phoenix doctor` asks it, and
 * docs/prerequisites.md is generated from it.
 */
import { dockerRows } from "./docker.ts";
import { foreignRows } from "./foreign.ts";
import { guestRows } from "./guests.ts";
import { hypervisorRows } from "./hypervisor.ts";
import { networkRows } from "./network.ts";
import { nodeRows } from "./nodes.ts";
import type { Prerequisite } from "./prerequisite.ts";
import { renewalRow } from "./renewal.ts";
import { serviceRows } from "./services.ts";
import { storageRows } from "./storage.ts";

export const prerequisites: readonly Prerequisite[] = [
  ...hypervisorRows,
  ...nodeRows,
  ...guestRows,
  ...networkRows,
  ...storageRows,
  ...serviceRows,
  renewalRow,
  ...dockerRows,
  ...foreignRows,
];
