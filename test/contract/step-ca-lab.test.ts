/** The lab's Step-CA keeps the contract. */
import { afterAll } from "vitest";
import { initCa } from "../../lab/step-ca/init.ts";
import { startStepCa } from "../../lab/step-ca/start.ts";
import { testContext } from "../lab/context.ts";
import { stepCaContract } from "./step-ca.ts";

const context = testContext();
afterAll(() => context.close());

stepCaContract("lab", async () => {
  const hostname = "ca.internal.example.net";
  const provisioner = "admin@example.net";
  const { rootPem, password } = await initCa(context, "lxc/103", {
    provisioner,
    hostname,
    address: "10.0.0.10",
    domain: "internal.example.net",
  });
  const server = await startStepCa(context, "lxc/103");
  context.serve("10.0.0.10", 9000, server);
  return { address: "127.0.0.1", port: server.port, hostname, root: rootPem, provisioner, password };
});
