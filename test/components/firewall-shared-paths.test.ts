/** A service of a Swarm listens on some of its members: the firewall is proved by those that answer. */
import { expect, test } from "vitest";

import { pathChecks } from "../../src/components/firewall/verify.ts";
import type { FirewallPath } from "../../src/fabric/paths.ts";
import type { ConnectResult } from "../../src/hosts/network.ts";

const path = (address: string, sharedBy?: string): FirewallPath => ({
  why: "board is proved from the hypervisor",
  ...{ from: "pve", to: "vm/431", address, protocol: "tcp", port: 3456, vital: false },
  at: { file: "etc/phoenix_vm_configs.json", line: 1, column: 1 },
  ...(sharedBy === undefined ? {} : { sharedBy }),
});
const open: ConnectResult = { ok: true };
const silent: ConnectResult = { ok: false, reason: "timeout" };
const claims = (...asked: readonly { readonly path: FirewallPath; readonly seen: ConnectResult }[]) =>
  pathChecks(asked).map(({ claim, status }) => `${claim}: ${status}`);

test("a member that is silent is no failure while another one answers for the service", () => {
  const asked = [
    { path: path("10.0.0.31", "board"), seen: silent },
    { path: path("10.0.0.32", "board"), seen: open },
    { path: path("10.0.0.31", "other"), seen: silent },
    { path: path("10.0.0.33"), seen: silent },
  ];
  expect(claims(...asked)).toEqual([
    "10.0.0.32:3456 is open to the hypervisor: pass",
    "10.0.0.31:3456 is open to the hypervisor: fail",
    "10.0.0.33:3456 is open to the hypervisor: fail",
  ]);
});

test("where no member answers, each of them is told", () => {
  const asked = [
    { path: path("10.0.0.31", "board"), seen: silent },
    { path: path("10.0.0.32", "board"), seen: silent },
  ];
  expect(claims(...asked)).toHaveLength(2);
});
