/** A real site, as its owner wrote it: its mistakes are told; with them corrected it is understood whole. */
import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gatewayNames } from "../../src/fabric/services.ts";
import { loadSite } from "../../src/site/load.ts";
import { correctedSite, hasRealSite, realSite } from "../sites/overlay.ts";
import { problemText } from "./tree.ts";

describe.skipIf(!hasRealSite)("a real site", () => {
  test("as it is, has the errors that its owner made and no others", async () => {
    const { site, problems } = await loadSite(realSite);
    expect(site).toBeUndefined();
    const errors = problems.filter(({ severity }) => severity === "error").map(problemText);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toContain("variable API_PORT has no value");
    const warnings = new Set(
      problems.filter(({ severity }) => severity === "warning").map(({ code }) => code),
    );
    expect([...warnings].sort()).toEqual(["PHX0102", "PHX0208", "PHX0215", "PHX0508", "PHX0608"]);
  });

  test("once corrected, is understood whole", async () => {
    const root = correctedSite();
    try {
      const { site, problems } = await loadSite(root);
      expect(problems.filter(({ severity }) => severity === "error").map(problemText)).toEqual([]);
      if (site === undefined) throw new Error("no site");
      const { gateway, mesh, ca } = site.roles;
      expect([gateway?.host, mesh?.host, ca?.host]).toEqual(["lxc/101", "lxc/102", "lxc/103"]);
      expect(site.guests.filter(({ template }) => template).map(({ id }) => id)).toEqual([
        900, 901, 910, 911, 912, 9000,
      ]);
      expect(site.ca).toMatchObject({ url: "https://10.0.0.10:9000", provisioner: "admin@thinkheads.ai" });
      const paths = site.services.map(
        ({ id, path, backend }) => `${id} ${path} ${backend.scheme} ${backend.port}`,
      );
      expect(paths).toEqual([
        "granite-embedding routed http 8000",
        "granite-3b routed http 8000",
        "nginx direct https 443",
        "ollama routed http 11434",
        "llamacpp routed http 8081",
        "ca direct https 9000",
        "portainer routed https 9443",
        "portainer-agent direct https 9001",
        "qdrant_service-qdrant routed http 6333",
      ]);
      const served = site.certificates.find(({ serves }) => serves === "gateway");
      expect(served?.names).toEqual(gatewayNames(site));
      expect(site.portainer?.certificate.inGuest.certPath).toBe(
        "/persistent-storage/portainer/certs/portainer.crt",
      );
      expect(site.portainer?.environments.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
        "drphoenix agent",
      ]);
      expect(site.stacks.map(({ name, guest }) => `${name} ${guest.host}`)).toEqual([
        "qdrant_service vm/1002",
        "thinkheads_ai_app vm/1002",
      ]);
      expect(site.dns?.records.map(({ name, address }) => `${name} ${address}`)).toEqual([
        "traefik.internal.thinkheads.ai 10.0.0.12",
      ]);
      const machine = site.guests.find(({ host }) => host === "vm/1002");
      expect(machine?.firewall?.rules.map(({ ports }) => ports)).toContain("8000");
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
