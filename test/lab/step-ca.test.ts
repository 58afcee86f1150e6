/** What the lab's Step-CA does beyond the contract: its files, restarts, claims and clocks. */

import { X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { initCa, type NewCa, stepPath } from "../../lab/step-ca/init.ts";
import { startStepCa } from "../../lab/step-ca/start.ts";
import { StepCaClient } from "../../src/apis/step-ca/client.ts";
import { Secret } from "../../src/secret.ts";
import { recordingNetwork } from "../apis/network.ts";
import { type TestContext, testContext } from "./context.ts";

const host = "lxc/103";
const hostname = "ca.internal.example.net";
const names = ["a.internal.example.net"];
let context: TestContext;
afterEach(() => context.close());

const make = async (): Promise<NewCa> => {
  context = testContext();
  return initCa(context, host, {
    provisioner: "admin",
    hostname,
    address: "10.0.0.10",
    domain: "internal.example.net",
  });
};
const serve = async () => {
  const server = await startStepCa(context, host);
  context.serve("10.0.0.10", 9000, server);
  const network = recordingNetwork(() => server.port);
  const client = new StepCaClient({
    network,
    clock: context.clock,
    ca: { url: "https://10.0.0.10:9000", hostname, port: 9000 },
  });
  return { server, network, client };
};
const request = ({ rootPem, password }: NewCa) => ({
  root: rootPem,
  provisioner: "admin",
  password: new Secret(password),
  commonName: names[0] ?? "",
  names,
});
const lifetimeHours = (pem: string): number => {
  const { validFrom, validTo } = new X509Certificate(pem);
  return (Date.parse(validTo) - Date.parse(validFrom)) / 3_600_000;
};

test("the files are where step puts them, and what clients need is at the first mount point", async () => {
  const made = await make();
  const at = (path: string) => context.path(host, path);
  const mode = (path: string) => (statSync(at(path)).mode & 0o777).toString(8);
  expect(readFileSync(at("/etc/step-ca/ssl/phoenix_root_ca.crt"), "utf8")).toBe(made.rootPem);
  expect(readFileSync(at("/etc/step-ca/ssl/provisioner_password.txt"), "utf8")).toBe(`${made.password}\n`);
  expect(mode("/etc/step-ca/ssl/provisioner_password.txt")).toBe("600");
  expect(mode(`${stepPath}/secrets/intermediate_ca_key`)).toBe("600");
  expect(readFileSync(at(`${stepPath}/secrets/root_ca_key`), "utf8")).toContain("ENCRYPTED PRIVATE KEY");
  const defaults = JSON.parse(readFileSync(at(`${stepPath}/config/defaults.json`), "utf8"));
  expect(defaults).toEqual({
    "ca-url": `https://${hostname}:9000`,
    fingerprint: made.fingerprint,
    root: `${stepPath}/certs/root_ca.crt`,
  });
  expect(Math.round(lifetimeHours(made.rootPem) / 24 / 365)).toBe(10);
});

test("a token that was used stays used when the CA is started again", async () => {
  const made = await make();
  const first = await serve();
  await first.client.sign(request(made));
  const sent = first.network.requests.find(({ url }) => url.endsWith("/sign"));
  if (sent === undefined) throw new Error("nothing was sent");
  const second = await serve();
  expect((await second.network.request(sent)).status).toBe(401);
});

test("claims of the configuration set the lifetime", async () => {
  const made = await make();
  const path = context.path(host, `${stepPath}/config/ca.json`);
  const configuration = JSON.parse(readFileSync(path, "utf8"));
  configuration.authority.provisioners[0].claims = {
    defaultTLSCertDuration: "48h",
    maxTLSCertDuration: "72h",
  };
  writeFileSync(path, JSON.stringify(configuration));
  const { client } = await serve();
  expect(lifetimeHours((await client.sign(request(made))).chain)).toBeCloseTo(48, 1);
});

test("in a lab whose clock runs ahead, new certificates are good for TLS clients all the same", async () => {
  const made = await make();
  context.advance(20 * 3_600_000);
  const { client, server } = await serve();
  const { chain } = await client.sign(request(made));
  const leaf = new X509Certificate(chain);
  expect(Date.parse(leaf.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(leaf.validTo)).toBeGreaterThan(context.clock.now() + 23 * 3_600_000);
  const trusted = await new Promise<boolean>((resolve, reject) => {
    const socket = connect(
      { port: server.port, host: "127.0.0.1", servername: hostname, ca: made.rootPem },
      () => {
        resolve(socket.authorized);
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
  expect(trusted).toBe(true);
});
