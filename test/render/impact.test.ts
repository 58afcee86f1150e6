/** The plan's words on what clients notice: never a "none" that nobody can vouch for. */

import { expect, test } from "vitest";
import type { Impact } from "../../src/component.ts";
import type { ComponentPlan } from "../../src/engine/plan.ts";
import { noImpact } from "../../src/impact.ts";
import { activationWords, impactLines } from "../../src/render/impact.ts";
import { plainView } from "../../src/render/view.ts";
import type { Change } from "../../src/resource.ts";

const change: Change = {
  verb: "create",
  desired: { id: "dns/records", host: "pve", text: "", units: {} },
};

function part(component: string, more: Partial<ComponentPlan> = {}): ComponentPlan {
  return {
    component,
    desired: [],
    changes: [],
    hazards: [],
    orphans: [],
    leftBehind: [],
    pendingActivation: [],
    unreadResources: [],
    notes: [],
    ...more,
  };
}

const changed = (component: string, impact: Partial<Impact>): ComponentPlan =>
  part(component, { changes: [change], impact: { ...noImpact, ...impact } });

test.each<[string, readonly ComponentPlan[], readonly string[]]>([
  ["nothing", [changed("trust", {})], ["Client impact: none", "Downtime: none expected"]],
  [
    "new names only",
    [changed("dns", { added: ["a.example.net"] }), changed("traefik", {})],
    ["Client impact: none (new: a.example.net)", "Downtime: none expected"],
  ],
  [
    "what several components say",
    [
      changed("dns", { notices: ["a.example.net moves from 10.0.0.1 to 10.0.0.2"] }),
      changed("firewall", { notices: ["policy_in: ACCEPT -> DROP"] }),
    ],
    [
      "Client impact: a.example.net moves from 10.0.0.1 to 10.0.0.2; policy_in: ACCEPT -> DROP",
      "Downtime: none expected apart from that",
    ],
  ],
  [
    "a component that cannot tell",
    [changed("dns", { added: ["a.example.net"] }), part("mail", { changes: [change] })],
    ["Client impact: unknown: changes of mail", "Downtime: unknown"],
  ],
  [
    "a component that cannot be read",
    [part("stacks", { unread: { kind: "not-ready", reason: "no Portainer" } })],
    ["Client impact: unknown: stacks, which cannot be read now", "Downtime: unknown"],
  ],
  [
    "single resources that cannot be read",
    [part("stacks", { unreadResources: [{ kind: "error", reason: "down", ids: ["stacks/a"] }] })],
    ["Client impact: unknown: stacks, which cannot be read now", "Downtime: unknown"],
  ],
  [
    "what an earlier run left undone",
    [part("nginx", { pendingActivation: ["nginx/gateway"] })],
    ["Client impact: unknown: activation of nginx", "Downtime: unknown"],
  ],
  [
    "services that blink",
    [changed("stacks", { notices: ["web of wiki is recreated"], blinks: ["wiki/web"] })],
    ["Client impact: web of wiki is recreated", "Downtime: a moment, while 1 service is recreated: wiki/web"],
  ],
  [
    "restarts",
    [changed("dns", { activations: [{ kind: "restart", unit: "dnsmasq", host: "pve" }] })],
    ["Client impact: none", "Downtime: a moment, while dnsmasq restarts"],
  ],
])("%s", (_, components, lines) => {
  expect(impactLines({ components, digest: "" }, plainView)).toEqual(lines);
});

test("reloads and restarts are named once each", () => {
  const nginx = { kind: "reload", unit: "nginx", host: "lxc/101" } as const;
  const dnsmasq = { kind: "restart", unit: "dnsmasq", host: "pve" } as const;
  const components = [
    changed("certificates", { activations: [nginx] }),
    changed("nginx", { activations: [nginx] }),
    changed("dns", { activations: [dnsmasq] }),
  ];
  expect(activationWords({ components, digest: "" })).toBe("reloads: nginx · restarts: dnsmasq");
  expect(activationWords({ components: [changed("trust", {})], digest: "" })).toBeUndefined();
});
