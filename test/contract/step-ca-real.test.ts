/**
 * A real Step-CA keeps the contract, when the environment names one: PHOENIX_STEP_CA_URL (an address and port),
 * PHOENIX_STEP_CA_HOSTNAME (one of its dnsNames), PHOENIX_STEP_CA_ROOT (its root's file), PHOENIX_STEP_CA_PROVISIONER,
 * PHOENIX_STEP_CA_PASSWORD_FILE.
 */
import { readFileSync } from "node:fs";
import { describe, test } from "vitest";
import { stepCaContract } from "./step-ca.ts";

const { env } = process;
const url = env.PHOENIX_STEP_CA_URL;

if (url === undefined) {
  describe("step-ca contract: real", () => {
    test.skip("PHOENIX_STEP_CA_URL is not set", () => {});
  });
} else {
  stepCaContract("real", async () => ({
    address: new URL(url).hostname,
    port: Number(new URL(url).port || 443),
    hostname: env.PHOENIX_STEP_CA_HOSTNAME ?? new URL(url).hostname,
    root: readFileSync(env.PHOENIX_STEP_CA_ROOT ?? "/root/.step/certs/root_ca.crt", "utf8"),
    provisioner: env.PHOENIX_STEP_CA_PROVISIONER ?? "admin",
    password: readFileSync(
      env.PHOENIX_STEP_CA_PASSWORD_FILE ?? "/root/.step/secrets/password",
      "utf8",
    ).trimEnd(),
  }));
}
