/** The client of Step-CA against the lab's. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { initCa, type NewCa } from "../../lab/step-ca/init.ts";
import { startStepCa } from "../../lab/step-ca/start.ts";
import { StepCaClient } from "../../src/apis/step-ca/client.ts";
import type { StepCaApi } from "../../src/apis/step-ca/index.ts";
import { verifiedChain } from "../../src/apis/step-ca/issued-chain.ts";
import { ApiError, TransportError } from "../../src/errors.ts";
import type { HttpResponse } from "../../src/hosts/network.ts";
import { Secret } from "../../src/secret.ts";
import { testContext } from "../lab/context.ts";
import { type RecordingNetwork, recordingNetwork } from "./network.ts";

const context = testContext();
const hostname = "ca.internal.example.net";
const provisioner = "admin@example.net";
let made: NewCa;
let port: number;
let network: RecordingNetwork;
let client: StepCaApi;

beforeAll(async () => {
  made = await initCa(context, "lxc/103", {
    provisioner,
    hostname,
    address: "10.0.0.10",
    domain: "internal.example.net",
  });
  const server = await startStepCa(context, "lxc/103");
  context.serve("10.0.0.10", 9000, server);
  port = server.port;
});
afterAll(() => context.close());
beforeEach(() => {
  context.mend();
  network = recordingNetwork(() => port);
  const ca = { url: "https://10.0.0.10:9000", hostname, port: 9000 };
  client = new StepCaClient({ network, clock: context.clock, ca });
});

const names = ["chat.internal.example.net", "10.0.0.153", "fd00::1"];
const request = (change: { provisioner?: string; password?: string } = {}) => ({
  root: made.rootPem,
  provisioner: change.provisioner ?? provisioner,
  password: new Secret(change.password ?? made.password),
  commonName: "chat.internal.example.net",
  names,
});
const failure = (promise: Promise<unknown>): Promise<ApiError> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: ApiError) => error,
  );
const answer = (status: number, value: unknown): HttpResponse => ({
  status,
  headers: {},
  text: JSON.stringify(value),
});

describe("trust", () => {
  test("health needs the right root", async () => {
    await client.health(made.rootPem);
    const other = await initCa(testContext(), "lxc/103", {
      provisioner,
      hostname,
      address: "10.0.0.10",
      domain: "other",
    });
    await expect(client.health(other.rootPem)).rejects.toThrow(TransportError);
  });

  test("the root is fetched by any spelling of its fingerprint", async () => {
    const upper = made.fingerprint.toUpperCase().replace(/(..)(?=.)/g, "$1:");
    expect(await client.root(upper)).toBe(new X509Certificate(made.rootPem).toString());
  });

  test("another root than asked for is refused, whoever sends it", async () => {
    network.intercept = () => answer(200, { ca: made.rootPem });
    const error = await failure(client.root("ab".repeat(32)));
    expect(error).toBeInstanceOf(ApiError);
    expect(error.message).toContain("another root");
  });
});

describe("signing", () => {
  test("gives a chain and its key, for the names asked for", async () => {
    const { chain, key } = await client.sign(request());
    const [leaf, intermediate] = chain
      .match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n/g)!
      .map((pem) => new X509Certificate(pem));
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(leaf!.checkPrivateKey(createPrivateKey(key.reveal()))).toBe(true);
    expect(leaf!.verify(intermediate!.publicKey)).toBe(true);
    expect(leaf!.subjectAltName).toBe(
      "DNS:chat.internal.example.net, IP Address:10.0.0.153, IP Address:FD00:0:0:0:0:0:0:1",
    );
  });

  test("a password with the line feed of its file works", async () => {
    await client.sign(request({ password: `${made.password}\n` }));
  });

  test("every attempt has a token of its own, and no error shows it", async () => {
    context.breaks("expired-token", "ca");
    const error = await failure(client.sign(request()));
    context.mend();
    await client.sign(request());
    const tokens = network.requests
      .filter(({ url }) => url.endsWith("/sign"))
      .map(({ body }) => JSON.parse(String(body)).ott as string);
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) expect(`${error.message} ${error.hint}`).not.toContain(token);
    expect(network.requests.map(({ effect }) => effect)).toEqual([
      "read",
      "change",
      "read",
      "read",
      "change",
    ]);
  });

  test("a wrong password is called one", async () => {
    const error = await failure(client.sign(request({ password: "wrong" })));
    expect(error).toBeInstanceOf(ApiError);
    expect(error.message).toContain("the password does not open the key");
    expect(network.asked).toEqual(["GET /provisioners"]);
  });

  test("an unknown provisioner names the known ones", async () => {
    const error = await failure(client.sign(request({ provisioner: "nobody" })));
    expect(error).toMatchObject({ status: 404, hint: `it has ${provisioner} (JWK)` });
  });

  test("a 401 comes with the clocks' difference", async () => {
    context.breaks("expired-token", "ca");
    const error = await failure(client.sign(request()));
    expect(error.status).toBe(401);
    expect(error.hint).toMatch(/clock is 6\d\d s behind the CA's|clock is (599|600) s behind the CA's/);
  });

  test("a 401 without a known cause lists the likely ones", async () => {
    network.intercept = ({ url }) =>
      url.endsWith("/sign") ? answer(401, { status: 401, message: "no" }) : undefined;
    expect((await failure(client.sign(request()))).hint).toContain("dnsNames");
  });

  test("provisioners on later pages are found", async () => {
    const first = answer(200, { provisioners: [{ type: "ACME", name: "acme" }], nextCursor: "0" });
    network.intercept = ({ url }) => (url.endsWith("cursor=") ? first : undefined);
    await client.sign(request());
    expect(network.asked.filter((each) => each === "GET /provisioners")).toHaveLength(2);
  });

  test("a certificate for another key is not taken", async () => {
    const { chain } = await client.sign(request());
    network.intercept = ({ url }) =>
      url.endsWith("/sign")
        ? answer(201, { certChain: chain.split(/(?<=END CERTIFICATE-----\n)/) })
        : undefined;
    expect((await failure(client.sign(request()))).message).toContain("another key");
  });

  test("the answer is taken for what was asked only", async () => {
    const { chain, key } = await client.sign(request());
    const certificates = chain.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n/g) ?? [];
    const expected = {
      key: createPrivateKey(key.reveal()),
      names,
      root: made.rootPem,
      nowMs: context.clock.now(),
    };
    const [leaf = "", intermediate = ""] = certificates;
    expect(verifiedChain([leaf, intermediate, made.rootPem], expected)).toEqual([leaf, intermediate]);
    expect(() => verifiedChain(certificates, { ...expected, names: names.slice(1) })).toThrow(
      "instead of 10.0.0.153, fd00::1",
    );
    expect(() => verifiedChain([leaf], expected)).toThrow("does not lead to the trusted root");
    const late = context.clock.now() + 25 * 60 * 60 * 1000;
    expect(() => verifiedChain(certificates, { ...expected, nowMs: late })).toThrow("ended on");
    expect(() => verifiedChain([], expected)).toThrow("holds no certificate");
  });

  test("a CA that fails says so", async () => {
    context.breaks("error-500", "ca");
    expect(await failure(client.sign(request()))).toMatchObject({ status: 500 });
    context.mend();
    context.breaks("wrong-certificate", "ca");
    expect(await failure(client.sign(request()))).toBeInstanceOf(TransportError);
  });
});
