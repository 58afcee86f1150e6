import { describe, expect, test } from "vitest";
import { foreignHazard } from "../../src/component.ts";
import { exitCodeOf, exitCodeOfPlan } from "../../src/engine/outcome.ts";
import { plan, sync, verify } from "../../src/engine/run.ts";
import type { SyncOptions } from "../../src/engine/sync.ts";
import {
  CandidateError,
  CommandError,
  NotReadyError,
  RefusedError,
  TransportError,
} from "../../src/errors.ts";
import { Machine, resource, testRun } from "./machine.ts";

const none = { allow: new Set<string>() };

async function outcomes(machines: readonly Machine[], run = testRun(), options: SyncOptions = none) {
  const result = await sync(
    machines.map(({ component }) => component),
    run,
    options,
  );
  return { result, outcomes: result.components.map(({ outcome }) => outcome), code: exitCodeOf(result) };
}

describe("converging", () => {
  test("a sync creates what is missing, and a second one does nothing at all", async () => {
    const dns = new Machine("dns", { "dns/a": "x", "dns/b": "y" });
    const first = await outcomes([dns]);
    expect(first.outcomes).toEqual(["changed"]);
    expect(first.code).toBe(0);
    expect(dns.log).toEqual([
      "read",
      "read",
      "create dns/a",
      "create dns/b",
      "activate dns/a dns/b",
      "verify",
    ]);
    dns.log.length = 0;
    const second = await outcomes([dns]);
    expect(second.outcomes).toEqual(["unchanged"]);
    expect(dns.log).toEqual(["read", "verify"]);
  });

  test("drift is an update of that resource alone", async () => {
    const dns = new Machine("dns", { "dns/a": "x", "dns/b": "y" });
    await outcomes([dns]);
    dns.live.set("dns/b", "z");
    const planned = await plan([dns.component], testRun(), none);
    expect(planned.components[0]?.changes).toMatchObject([{ verb: "update", desired: { id: "dns/b" } }]);
    expect(exitCodeOfPlan(planned)).toBe(2);
    dns.log.length = 0;
    await outcomes([dns]);
    expect(dns.log).toContain("update dns/b");
    expect(dns.log).not.toContain("create dns/a");
  });

  test("what was made in a place that nobody looks at any more is told until it is forgotten", async () => {
    const run = testRun();
    const before = new Machine("nginx", { "nginx/site": "x" });
    await outcomes([before], run);
    expect(run.owned.get("nginx")).toMatchObject([{ id: "nginx/site", host: "pve" }]);
    run.owned.set("nginx", [...(run.owned.get("nginx") ?? []), { id: "nginx/site", host: "lxc/210" }]);
    const again = await outcomes([before], run);
    expect(again.result.components[0]?.notes).toEqual([
      expect.stringContaining("lxc/210 may still have nginx/site"),
    ]);
    expect(again.code).toBe(0);
    const forgetting = await outcomes([before], run, { allow: new Set(["prune"]) });
    expect(forgetting.result.components[0]?.notes).toEqual([
      expect.stringContaining("which the site no longer declares: --allow prune forgets it"),
    ]);
    expect(run.owned.get("nginx")).toMatchObject([{ host: "pve" }]);
    expect((await outcomes([before], run)).result.components[0]?.notes).toEqual([]);
  });

  test("what a failed run did not make is not owned", async () => {
    const run = testRun();
    const nginx = new Machine("nginx", { "nginx/site": "x" }, { failing: new Set(["nginx/site"] as const) });
    await outcomes([nginx], run);
    expect(run.owned.get("nginx")).toEqual([]);
  });

  test("an orphan stays until pruning is allowed, and does not keep a plan from being converged", async () => {
    const dns = new Machine("dns", { "dns/a": "x" });
    await outcomes([dns]);
    dns.live.set("dns/old", "z");
    const planned = await plan([dns.component], testRun(), none);
    expect(planned.components[0]?.orphans.map(({ id }) => id)).toEqual(["dns/old"]);
    expect(exitCodeOfPlan(planned)).toBe(0);
    await outcomes([dns]);
    expect(dns.live.has("dns/old")).toBe(true);
    await outcomes([dns], testRun(), { allow: new Set(["prune"]) });
    expect(dns.live.has("dns/old")).toBe(false);
  });

  test("what builds on a component waits for it, whatever order they are listed in", async () => {
    const order: string[] = [];
    const dns = new Machine("dns", { "dns/a": "x" });
    const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
    const run = testRun();
    await sync([nginx.component, dns.component], run, none);
    for (const event of run.events) {
      if (event.type === "change-applied") order.push(event.component);
    }
    expect(order).toEqual(["dns", "nginx"]);
  });
});

describe("nothing to do", () => {
  test("all prove at once what is there, also beside one that fails", async () => {
    const dns = new Machine("dns", { "dns/a": "x" }, { wrong: new Set(["dns/a"]) });
    const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
    dns.live.set("dns/a", "x");
    nginx.live.set("nginx/a", "x");
    const run = testRun();
    const { result, outcomes: ends, code } = await outcomes([nginx, dns], run);
    expect(ends).toEqual(["unchanged", "unchanged"]);
    expect(code).toBe(3);
    expect(result.components.flatMap(({ checks }) => checks.map(({ status }) => status))).toEqual([
      "pass",
      "fail",
    ]);
    const began = run.events.flatMap((event) =>
      event.type === "component-started" && event.phase === "verify" ? [event.component] : [],
    );
    const ended = run.events.findIndex(({ type }) => type === "component-finished");
    expect(began).toEqual(["dns", "nginx"]);
    expect(run.events.findLastIndex(({ type }) => type === "component-started")).toBeLessThan(ended);
  });
});

describe("failing", () => {
  test("a failed change takes every change of the component back, and the outcome says so", async () => {
    const dns = new Machine("dns", { "dns/a": "new", "dns/b": "y" }, { failing: new Set(["dns/b"]) });
    dns.live.set("dns/a", "old");
    const { result, outcomes: ends, code } = await outcomes([dns]);
    expect(ends).toEqual(["rolled-back"]);
    expect(code).toBe(7);
    expect(dns.live.get("dns/a")).toBe("old");
    expect(dns.live.has("dns/b")).toBe(false);
    expect(result.components[0]?.reason).toBe("cannot write dns/b; the previous state was restored");
  });

  test("a failed check takes the changes back", async () => {
    const dns = new Machine("dns", { "dns/a": "new" }, { wrong: new Set(["dns/a"]) });
    dns.live.set("dns/a", "old");
    const { code } = await outcomes([dns]);
    expect(code).toBe(7);
    expect(dns.live.get("dns/a")).toBe("old");
  });

  test("a check that fails for reasons beyond the component leaves the change in place and is not a success", async () => {
    const dns = new Machine("dns", { "dns/a": "new" }, { wrong: new Set(["dns/a"]), external: true });
    const { outcomes: ends, code } = await outcomes([dns]);
    expect(ends).toEqual(["changed"]);
    expect(code).toBe(3);
    expect(dns.live.get("dns/a")).toBe("new");
  });

  test("what failed because something else was not there yet is asked again when everything is in place", async () => {
    const stacks = new Machine("stacks", { "stacks/a": "x" }, { after: ["traefik"] });
    const traefik = new Machine(
      "traefik",
      { "traefik/routes": "a" },
      { external: true, wrongUntil: () => stacks.live.has("stacks/a") },
    );
    const { result, outcomes: ends, code } = await outcomes([traefik, stacks]);
    expect(ends).toEqual(["changed", "changed"]);
    expect(result.components[0]?.checks.map(({ status }) => status)).toEqual(["pass"]);
    expect(traefik.log.filter((line) => line === "verify")).toHaveLength(2);
    expect(code).toBe(0);
  });

  test("a run that changed nothing asks only once", async () => {
    const traefik = new Machine(
      "traefik",
      { "traefik/routes": "a" },
      { external: true, wrongUntil: () => false },
    );
    traefik.live.set("traefik/routes", "a");
    const { code } = await outcomes([traefik]);
    expect(traefik.log.filter((line) => line === "verify")).toHaveLength(1);
    expect(code).toBe(3);
  });

  test("a resource that cannot be read is left alone, keeps its mark, and the others go on", async () => {
    const stacks = new Machine(
      "stacks",
      { "stacks/a": "x", "stacks/b": "y" },
      { independent: true, unreadIds: new Set(["stacks/b"]) },
    );
    stacks.live.set("stacks/b", "old");
    const run = testRun();
    run.marks.set("stacks", ["stacks/b"]);
    const planned = await plan([stacks.component], run, none);
    expect(planned.components[0]?.changes).toMatchObject([{ verb: "create", desired: { id: "stacks/a" } }]);
    expect(exitCodeOfPlan(planned)).toBe(1);
    const { result, outcomes: ends, code } = await outcomes([stacks], run);
    expect(ends).toEqual(["failed"]);
    expect(result.components[0]?.reason).toBe("vm/1002 is not running");
    expect([...stacks.live]).toEqual([
      ["stacks/b", "old"],
      ["stacks/a", "x"],
    ]);
    expect(code).toBe(4);
    expect(run.marks.get("stacks")).toEqual(["stacks/b"]);
    stacks.behaviour.unreadIds?.clear();
    const second = await outcomes([stacks], run);
    expect(second.outcomes).toEqual(["changed"]);
    expect(run.marks.size).toBe(0);
  });

  describe("a part of a component that builds on itself is down", () => {
    const twoNodes = () => {
      const dns = new Machine(
        "dns",
        { "dns/records": "x", "dns/records@pve2": "y" },
        { unreadIds: new Set(["dns/records@pve2"]), wrong: new Set(["dns/records@pve2"]) },
      );
      // As it was, and wrong: nobody looks.
      dns.live.set("dns/records@pve2", "y");
      return dns;
    };

    test("and is left alone and named, while the rest, and what builds on it, goes on", async () => {
      const dns = twoNodes();
      const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
      const run = testRun();
      const { result, outcomes: ends, code } = await outcomes([dns, nginx], run);
      expect(ends).toEqual(["failed", "changed"]);
      expect(result.components[0]).toMatchObject({
        reason: "vm/1002 is not running; left alone: dns/records@pve2",
        leftAlone: ["dns/records@pve2"],
        changes: [{ desired: { id: "dns/records" } }],
        checks: [{ resource: "dns/records", status: "pass" }],
      });
      expect(dns.log).not.toContain("update dns/records@pve2");
      expect(code).toBe(4);
      dns.behaviour.unreadIds?.clear();
      dns.behaviour.wrong?.clear();
      const second = await outcomes([dns, nginx], run);
      expect(second.outcomes).toEqual(["unchanged", "unchanged"]);
      expect(second.code).toBe(0);
    });

    test("a check of the rest that fails still rolls back, and blocks what builds on it", async () => {
      const dns = twoNodes();
      dns.behaviour.wrong?.add("dns/records");
      const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
      const { outcomes: ends, code } = await outcomes([dns, nginx]);
      expect(ends).toEqual(["rolled-back", "skipped"]);
      expect(code).toBe(7);
      expect(dns.live.has("dns/records")).toBe(false);
    });

    test("alone in being wrong is an error for verify, without a failed check", async () => {
      const dns = twoNodes();
      dns.live.set("dns/records", "x");
      dns.behaviour.unreadInVerify = true;
      const result = await verify([dns.component], testRun(), none);
      expect(result.components[0]).toMatchObject({
        outcome: "failed",
        leftAlone: ["dns/records@pve2"],
        checks: [{ resource: "dns/records", status: "pass" }],
      });
      expect(exitCodeOf(result)).toBe(1);
    });

    test("since it went down after the plan, what was to be done there is neither counted nor forgotten", async () => {
      const dns = new Machine("dns", { "dns/records": "x", "dns/records@pve2": "y" });
      dns.behaviour.downInApply = new Set(["dns/records@pve2"]);
      const run = testRun();
      const { result, code } = await outcomes([dns], run);
      expect(result.components[0]).toMatchObject({
        outcome: "failed",
        leftAlone: ["dns/records@pve2"],
        changes: [{ desired: { id: "dns/records" } }],
      });
      expect(code).toBe(4);
      expect(run.marks.get("dns")).toEqual(["dns/records@pve2"]);
    });
  });

  test("a change that is not confirmed was taken back by its undo, and that is a rollback", async () => {
    const unconfirmed = new CandidateError("no new connection to 10.0.0.13:8006");
    const firewall = new Machine("firewall", { "firewall/a": "x" }, { unconfirmed });
    const run = testRun();
    const { result, outcomes: ends, code } = await outcomes([firewall], run);
    expect(ends).toEqual(["rolled-back"]);
    expect(result.components[0]).toMatchObject({
      changes: [],
      reason: "no new connection to 10.0.0.13:8006; the previous state was restored",
    });
    expect(code).toBe(7);
    expect(run.marks.size).toBe(0);
  });

  test("an undo that has not run is a failure that stays marked", async () => {
    const unconfirmed = new CommandError("pve", 1, "no new connection to 10.0.0.13:8006");
    const firewall = new Machine("firewall", { "firewall/a": "x" }, { unconfirmed });
    const run = testRun();
    const { result, outcomes: ends } = await outcomes([firewall], run);
    expect(ends).toEqual(["failed"]);
    expect(result.components[0]?.reason).toContain("the undo has not run");
    expect(run.marks.get("firewall")).toEqual(["firewall/a"]);
  });

  test("what was refused beforehand is a failure, no rollback: nothing was taken back, and each is told", async () => {
    const refused = new Set(["stacks/a", "stacks/c"] as const);
    const stacks = new Machine(
      "stacks",
      { "stacks/a": "x", "stacks/b": "x", "stacks/c": "x" },
      { independent: true, refused },
    );
    const { result, outcomes: ends, code } = await outcomes([stacks]);
    expect(ends).toEqual(["failed"]);
    expect(code).toBe(4);
    expect(result.components[0]).toMatchObject({
      reason: "stacks/a was left alone;\nstacks/c was left alone",
      hint: "mend stacks/a\nmend stacks/c",
    });
    expect([...stacks.live.keys()]).toEqual(["stacks/b"]);
    expect(stacks.log.filter((line) => line.startsWith("delete"))).toEqual([]);
  });

  test("independent resources fail alone", async () => {
    const stacks = new Machine(
      "stacks",
      { "stacks/a": "x", "stacks/b": "y", "stacks/c": "z" },
      { independent: true, failing: new Set(["stacks/b"]) },
    );
    const { outcomes: ends, code } = await outcomes([stacks]);
    expect(ends).toEqual(["failed"]);
    expect(code).toBe(4);
    expect([...stacks.live.keys()]).toEqual(["stacks/a", "stacks/c"]);
  });

  test("what builds on a failed component is skipped with the reason; the others go on", async () => {
    const dns = new Machine("dns", { "dns/a": "x" }, { failing: new Set(["dns/a"]) });
    const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
    const stacks = new Machine("stacks", { "stacks/a": "x" }, { after: ["nginx"] });
    const trust = new Machine("trust", { "trust/a": "x" });
    const { result, outcomes: ends } = await outcomes([trust, dns, nginx, stacks]);
    // Nothing had been changed when it failed, so nothing was rolled back.
    expect(ends).toEqual(["changed", "failed", "skipped", "skipped"]);
    expect(result.components[2]?.reason).toBe("depends on dns, which is not in place");
    expect(nginx.live.size).toBe(0);
  });

  test("a rollback that fails is told, keeps the mark and leaves the guard armed", async () => {
    const dns = new Machine("dns", { "dns/a": "new" }, { activationFails: 2 });
    dns.live.set("dns/a", "old");
    const run = testRun();
    const { result, outcomes: ends, code } = await outcomes([dns], run);
    expect(ends).toEqual(["failed"]);
    expect(code).toBe(1);
    expect(result.components[0]?.reason).toBe(
      "reload failed; restoring the previous state failed too: reload failed",
    );
    expect(dns.guardArmed).toBe(true);
    expect(run.marks.get("dns")).toEqual(["dns/a"]);
  });

  test("a host that does not answer fails its component in a sync and is an error in a plan", async () => {
    const dns = new Machine(
      "dns",
      { "dns/a": "x" },
      { unread: new TransportError("pve", "pve does not answer") },
    );
    const { result, code } = await outcomes([dns]);
    expect(result.components[0]).toMatchObject({ outcome: "failed", reason: "pve does not answer" });
    expect(code).toBe(1);
    expect(exitCodeOfPlan(await plan([dns.component], testRun(), none))).toBe(1);
  });

  test("not ready defers in a plan", async () => {
    const dns = new Machine("dns", { "dns/a": "x" }, { unread: new NotReadyError("no Portainer yet") });
    const planned = await plan([dns.component], testRun(), none);
    expect(planned.components[0]?.unread).toEqual({ kind: "not-ready", reason: "no Portainer yet" });
    expect(exitCodeOfPlan(planned)).toBe(2);
  });
});

describe("single resources", () => {
  const named = { ...none, resources: ["stacks/b"] as const };

  test("of independent ones are worked on alone: the others are neither changed, pruned, judged nor forgotten", async () => {
    const run = testRun();
    run.marks.set("stacks", ["stacks/a"]);
    run.owned.set("stacks", [{ id: "stacks/a", host: "vm/1" }]);
    const stacks = new Machine(
      "stacks",
      { "stacks/a": "x", "stacks/b": "y" },
      { independent: true, wrong: new Set(["stacks/a"]), unreadIds: new Set(["stacks/c"]) },
    );
    stacks.live.set("stacks/old", "z");
    stacks.live.set("stacks/a", "x");
    const prune = { ...named, allow: new Set(["prune"]) };
    const { result, code } = await outcomes([stacks], run, prune);
    expect(code).toBe(0);
    expect(result.components[0]).toMatchObject({
      outcome: "changed",
      resources: 1,
      changes: [{ desired: { id: "stacks/b" } }],
      orphans: [],
      notes: [],
      checks: [{ resource: "stacks/b" }],
    });
    expect(Object.fromEntries(stacks.live)).toEqual({ "stacks/a": "x", "stacks/b": "y", "stacks/old": "z" });
    expect(run.marks.get("stacks")).toEqual(["stacks/a"]);
    expect(run.owned.get("stacks")?.map(({ id }) => id)).toEqual(["stacks/a", "stacks/b"]);
  });

  test("that depend on each other stand for their component", async () => {
    const dns = new Machine("dns", { "dns/a": "x", "dns/b": "y" });
    await outcomes([dns], testRun(), { ...none, resources: ["dns/b"] as const });
    expect([...dns.live.keys()]).toEqual(["dns/a", "dns/b"]);
  });
});

describe("safety", () => {
  test("a hazard without consent refuses before anything is touched", async () => {
    const hazard = { consent: "lockout", message: "it would cut 10.0.0.50 off" };
    const firewall = new Machine("firewall", { "firewall/a": "x" }, { hazards: [hazard] });
    const trust = new Machine("trust", { "trust/a": "x" });
    await expect(outcomes([trust, firewall])).rejects.toThrow(RefusedError);
    expect(trust.live.size).toBe(0);
    const { outcomes: ends } = await outcomes([trust, firewall], testRun(), { allow: new Set(["lockout"]) });
    expect(ends).toEqual(["changed", "changed"]);
  });

  describe("what is foreign", () => {
    const before = resource("dns/foreign", "bind-interfaces");
    const foreign = {
      host: "pve",
      name: "/etc/dnsmasq.d/lan.conf:3",
      takeover: "the line is commented out",
      changes: [{ verb: "update", live: before, desired: { ...before, text: "# bind-interfaces" } }],
    } as const;
    const hazard = foreignHazard("/etc/dnsmasq.d/lan.conf:3 binds interfaces", foreign);
    const adopt = { allow: new Set(["adopt"]) };

    test("is in the plan, which would do nothing to it, and a sync without consent changes nothing at all", async () => {
      const dns = new Machine("dns", { "dns/a": "x" }, { hazards: [hazard] });
      const trust = new Machine("trust", { "trust/a": "x" });
      const planned = await plan([trust.component, dns.component], testRun(), none);
      expect(planned.components[1]).toMatchObject({ hazards: [hazard], changes: [{ verb: "create" }] });
      expect(exitCodeOfPlan(planned)).toBe(2);
      await expect(outcomes([trust, dns])).rejects.toMatchObject({
        exitCode: 5,
        message: "refused: /etc/dnsmasq.d/lan.conf:3 binds interfaces",
        hint: expect.stringContaining("--allow adopt"),
      });
      expect([...trust.live, ...dns.live]).toEqual([]);
    });

    test("is taken over first with consent, and given back when the component fails", async () => {
      const dns = new Machine("dns", { "dns/a": "x" }, { hazards: [hazard] });
      await outcomes([dns], testRun(), adopt);
      expect(dns.log.filter((line) => /^(create|update)/.test(line))).toEqual([
        "update dns/foreign",
        "create dns/a",
      ]);
      const run = testRun();
      const failing = new Machine("dns", { "dns/a": "x" }, { hazards: [hazard], wrong: new Set(["dns/a"]) });
      failing.live.set("dns/foreign", before.text);
      expect((await outcomes([failing], run, adopt)).outcomes).toEqual(["rolled-back"]);
      expect(Object.fromEntries(failing.live)).toEqual({ "dns/foreign": before.text });
      expect(run.owned.get("dns")).toEqual([]);
    });

    test("is refused with any consent where it cannot be taken over", async () => {
      const stuck = foreignHazard("AdGuard has port 53", { host: "pve", name: "AdGuard" }, "stop it");
      const dns = new Machine("dns", { "dns/a": "x" }, { hazards: [stuck] });
      await expect(outcomes([dns], testRun(), adopt)).rejects.toMatchObject({ exitCode: 5, hint: "stop it" });
    });

    test("is found before the component that meets it can be read", async () => {
      const unready = { hazards: [hazard], unread: new NotReadyError("no Portainer yet") };
      const stacks = new Machine("stacks", { "stacks/a": "x" }, unready);
      const portainer = new Machine("portainer", { "portainer/a": "x" });
      await expect(outcomes([portainer, stacks])).rejects.toThrow("refused: ");
      expect(portainer.live.size).toBe(0);
    });
  });

  test("an emptied resource is refused with the numbers and the exact consent", async () => {
    const dns = new Machine("dns", { "dns/a": "" });
    dns.live.set("dns/a", "a b c");
    await expect(outcomes([dns])).rejects.toThrow("dns/a would lose all of its 3 entries");
    await expect(outcomes([dns])).rejects.toMatchObject({
      exitCode: 5,
      hint: expect.stringContaining("--allow dns-shrink"),
    });
  });

  test("the last entry of a list of one goes as it came; a large share of a long list does not", async () => {
    const dns = new Machine("dns", { "dns/a": "", "dns/b": "a b c d e f" });
    dns.live.set("dns/a", "a");
    dns.live.set("dns/b", "a b c d e f g h i j");
    await expect(outcomes([dns])).rejects.toThrow(
      "refused: dns/b would lose 4 of its 10 entries (40 %, the limit is 30 %)",
    );
    dns.live.set("dns/b", "a b c d e f g h");
    expect((await outcomes([dns])).outcomes).toEqual(["changed"]);
  });

  test("an answer of no changes nothing", async () => {
    const dns = new Machine("dns", { "dns/a": "x" });
    const options = { ...none, approve: async () => false };
    await expect(sync([dns.component], testRun(), options)).rejects.toMatchObject({ exitCode: 5 });
    expect(dns.live.size).toBe(0);
  });

  test("a guard that objects when others were changed already is a failure among their results", async () => {
    const portainer = new Machine("portainer", { "portainer/a": "x" });
    const stacks = new Machine("stacks", { "stacks/a": "" }, { after: ["portainer"] });
    // What the stacks would lose shows only when Portainer is there.
    stacks.behaviour.unread = new NotReadyError("no Portainer yet");
    stacks.live.set("stacks/a", "a b c");
    portainer.behaviour.wrongUntil = () => {
      delete stacks.behaviour.unread;
      return true;
    };
    const { result, outcomes: ends, code } = await outcomes([portainer, stacks]);
    expect(ends).toEqual(["changed", "failed"]);
    expect(code).toBe(4);
    expect(result.components[1]?.reason).toContain("stacks/a would lose all of its 3 entries");
    expect(result.components[1]?.hint).toContain("--allow stacks-shrink");
    expect(stacks.live.get("stacks/a")).toBe("a b c");
    // With nothing changed it is a refusal.
    stacks.behaviour.unread = new NotReadyError("no Portainer yet");
    await expect(outcomes([portainer, stacks])).rejects.toMatchObject({ exitCode: 5 });
  });

  test("a host that moved after the approval is left alone", async () => {
    const dns = new Machine("dns", { "dns/a": "new" });
    dns.live.set("dns/a", "old");
    const approve = async () => {
      dns.live.set("dns/a", "moved");
      return true;
    };
    await expect(sync([dns.component], testRun(), { ...none, approve })).rejects.toMatchObject({
      exitCode: 5,
      message: "the live state of dns changed after the plan was shown; nothing was changed",
    });
    expect(dns.live.get("dns/a")).toBe("moved");
  });

  describe("what an earlier component of an approved run has changed", () => {
    const approve = async () => true;
    /** Certificates that make something of the storage when they are written, as a parent directory. */
    const runWith = async (left: string, before = "") => {
      const storage = new Machine("storage", { "storage/a": "data volume" }, { after: ["certificates"] });
      if (before !== "") storage.live.set("storage/a", before);
      const certificates = new Machine("certificates", { "certificates/a": "x" });
      certificates.behaviour.wrongUntil = () => {
        storage.live.set("storage/a", left);
        return true;
      };
      const components = [certificates.component, storage.component];
      return { storage, result: await sync(components, testRun(), { ...none, approve }) };
    };

    test("may be a part of what is listed: the rest is done, and counted as it was listed", async () => {
      const { storage, result } = await runWith("data");
      expect(result.components).toMatchObject([{ outcome: "changed" }, { outcome: "changed" }]);
      expect(result.components[1]?.changes).toMatchObject([{ verb: "create" }]);
      expect(storage.log).toContain("update storage/a");
      expect(storage.live.get("storage/a")).toBe("data volume");
    });

    test.each([
      ["something that nobody listed", "other", ""],
      ["another value in place of the listed one", "data other", "data"],
    ])("is no excuse to change %s", async (_, left, before) => {
      const { storage, result } = await runWith(left, before);
      expect(result.components[1]).toMatchObject({
        outcome: "failed",
        reason: expect.stringContaining(
          "storage changed after the plan was approved; nothing was changed there",
        ),
      });
      expect(storage.live.get("storage/a")).toBe(left);
    });
  });

  test("what cannot be read before a new component is there is listed as to be created", async () => {
    const portainer = new Machine("portainer", { "portainer/a": "x" });
    const stacks = new Machine("stacks", { "stacks/a": "x" }, { after: ["portainer"] });
    stacks.behaviour.unread = new NotReadyError("no Portainer yet");
    portainer.behaviour.wrongUntil = () => {
      delete stacks.behaviour.unread;
      return true;
    };
    const components = [portainer.component, stacks.component];
    const planned = await plan(components, testRun(), none);
    expect(planned.components[1]).toMatchObject({
      waitsFor: "portainer",
      changes: [{ verb: "create", desired: { id: "stacks/a" } }],
    });
    const result = await sync(components, testRun(), { ...none, approve: async () => true });
    expect(result.components.map(({ outcome }) => outcome)).toEqual(["changed", "changed"]);
  });

  test("a delete that no plan could list is refused", async () => {
    const portainer = new Machine("portainer", { "portainer/a": "x", "portainer/b": "x" });
    portainer.live.set("portainer/a", "x");
    const stacks = new Machine("stacks", { "stacks/a": "x" }, { after: ["portainer"] });
    stacks.live.set("stacks/old", "x");
    stacks.behaviour.unread = new NotReadyError("no Portainer yet");
    portainer.behaviour.wrongUntil = () => {
      delete stacks.behaviour.unread;
      return true;
    };
    const options = { allow: new Set(["prune"]), approve: async () => true };
    const result = await sync([portainer.component, stacks.component], testRun(), options);
    expect(result.components[1]?.outcome).toBe("failed");
    expect([...stacks.live.keys()]).toEqual(["stacks/old"]);
  });
});

describe("interrupted runs", () => {
  test("a change that was written but never proved live is activated by the next run", async () => {
    const dns = new Machine("dns", { "dns/a": "x" });
    dns.live.set("dns/a", "x");
    const run = testRun();
    run.marks.set("dns", ["dns/a"]);
    const planned = await plan([dns.component], run, none);
    expect(exitCodeOfPlan(planned)).toBe(2);
    await outcomes([dns], run);
    expect(dns.log).toContain("activate dns/a");
    expect(run.marks.size).toBe(0);
  });

  test("an activation that was left undone and fails again stays to be done", async () => {
    const dns = new Machine("dns", { "dns/a": "x", "dns/b": "y" }, { activationFails: 1 });
    dns.live.set("dns/a", "x");
    dns.live.set("dns/b", "y");
    const run = testRun();
    run.marks.set("dns", ["dns/a"]);
    const { outcomes: ends, code } = await outcomes([dns], run);
    expect([ends, code]).toEqual([["failed"], 1]);
    expect(run.marks.get("dns")).toEqual(["dns/a"]);
    const again = await outcomes([dns], run);
    expect(again.code).toBe(0);
    expect(dns.log.filter((line) => line === "activate dns/a")).toHaveLength(2);
    expect(run.marks.size).toBe(0);
  });

  test("after a request to stop no further component starts", async () => {
    const stop = new AbortController();
    stop.abort();
    const dns = new Machine("dns", { "dns/a": "x" });
    const { result } = await outcomes([dns], testRun(stop.signal));
    expect(result.components[0]).toMatchObject({ outcome: "skipped", reason: "interrupted before its turn" });
    expect(dns.live.size).toBe(0);
  });
});

describe("partial runs", () => {
  test("an unselected prerequisite is verified and never changed", async () => {
    const dns = new Machine("dns", { "dns/a": "x" });
    const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
    const result = await sync([dns.component, nginx.component], testRun(), { ...none, only: ["nginx"] });
    expect(result.components.map(({ component }) => component)).toEqual(["nginx"]);
    expect(dns.log).toEqual(["verify"]);
    expect(dns.live.size).toBe(0);
  });

  test("a prerequisite that does not hold keeps the selected component from being touched", async () => {
    const dns = new Machine("dns", { "dns/a": "x" }, { wrong: new Set(["dns/a"]) });
    dns.live.set("dns/a", "x");
    const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
    const result = await sync([dns.component, nginx.component], testRun(), { ...none, only: ["nginx"] });
    expect(result.components[0]).toMatchObject({ outcome: "skipped" });
    expect(nginx.live.size).toBe(0);
  });

  test("a prerequisite that does not hold is not told as one that does", async () => {
    const dns = new Machine("dns", { "dns/a": "x" }, { wrong: new Set(["dns/a"]) });
    dns.live.set("dns/a", "x");
    const nginx = new Machine("nginx", { "nginx/a": "x" }, { after: ["dns"] });
    const run = testRun();
    await sync([dns.component, nginx.component], run, { ...none, only: ["nginx"] });
    const ends = run.events.filter(({ type }) => type === "component-finished");
    expect(ends).toMatchObject([
      { component: "dns", outcome: "failed", reason: "the live state is not as declared" },
      { component: "nginx", outcome: "skipped" },
    ]);
  });
});

test("verify reports every claim and changes nothing", async () => {
  const dns = new Machine("dns", { "dns/a": "x" }, { wrong: new Set(["dns/a"]) });
  dns.live.set("dns/a", "x");
  const result = await verify([dns.component], testRun(), none);
  expect(result.components[0]?.outcome).toBe("failed");
  expect(dns.log).toEqual(["verify"]);
});
