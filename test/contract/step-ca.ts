/** What Step-CA's API promises to a client of a JWK provisioner: one suite for a real one (0.30.2 was tried) and for the lab's. */
import { createHash, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import type { RequestOptions } from "node:https";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Answer,
  type Csr,
  csr,
  openSession,
  type StepCaSession,
  type StepCaUnderTest,
  type TokenChange,
} from "./step-ca-session.ts";

const names = ["a.internal.example.net", "10.0.0.77"];
const [commonName = ""] = names;
const generic401 =
  "The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info.";

export function stepCaContract(name: string, make: () => Promise<StepCaUnderTest>): void {
  describe(`step-ca contract: ${name}`, { timeout: 30_000 }, () => {
    let on: StepCaSession;
    beforeAll(async () => {
      on = await openSession(await make());
    }, 30_000);
    const ask = (method: string, path: string, body?: unknown, more?: RequestOptions): Promise<Answer> =>
      on.ask(method, path, body, more);
    const token = (subject: string, wanted: readonly string[], change?: TokenChange): Promise<string> =>
      on.token(subject, wanted, change);
    const sign = (ott: string, request?: Csr, more?: Record<string, unknown>): Promise<Answer> =>
      on.sign(ott, request, more);

    describe("reading", () => {
      test("health and version answer under both prefixes", async () => {
        for (const prefix of ["", "/1.0"]) {
          expect(await ask("GET", `${prefix}/health`)).toMatchObject({ status: 200, body: { status: "ok" } });
          const version = await ask("GET", `${prefix}/version`);
          expect(version).toMatchObject({ status: 200, body: { version: expect.any(String) } });
        }
      });

      test("roots are given with status 201", async () => {
        const { status, body } = await ask("GET", "/roots");
        expect(status).toBe(201);
        expect(new X509Certificate(body.crts[0]).fingerprint256).toBe(
          new X509Certificate(on.ca.root).fingerprint256,
        );
      });

      test("a root is found by its fingerprint: dashes and case do not count, colons do", async () => {
        const fingerprint = createHash("sha256").update(new X509Certificate(on.ca.root).raw).digest("hex");
        const found = await ask("GET", `/root/${fingerprint}`);
        expect(found.status).toBe(200);
        expect(new X509Certificate(found.body.ca).fingerprint256).toBe(
          new X509Certificate(on.ca.root).fingerprint256,
        );
        const dashed = fingerprint.toUpperCase().replace(/(..)(?=.)/g, "$1-");
        expect((await ask("GET", `/root/${dashed}`)).status).toBe(200);
        expect((await ask("GET", `/root/${dashed.replaceAll("-", ":")}`)).status).toBe(404);
        expect(await ask("GET", `/root/${"0".repeat(64)}`)).toMatchObject({
          status: 404,
          body: { status: 404 },
        });
      });

      test("provisioners come in pages, each with its encrypted key", async () => {
        const seen: unknown[] = [];
        let cursor = "";
        for (let page = 0; page < 50; page += 1) {
          const { status, body } = await ask("GET", `/provisioners?limit=1&cursor=${cursor}`);
          expect(status).toBe(200);
          expect(body.provisioners.length).toBeLessThanOrEqual(1);
          seen.push(...body.provisioners);
          cursor = body.nextCursor;
          if (cursor === "") break;
        }
        const ours = seen.find((each) => (each as { name: string }).name === on.ca.provisioner);
        expect(ours).toMatchObject({ type: "JWK", key: { kty: "EC", crv: "P-256", kid: on.kid } });
        const { encryptedKey } = ours as { encryptedKey: string };
        expect(encryptedKey.split(".")).toHaveLength(5);
        const single = await ask("GET", `/provisioners/${on.kid}/encrypted-key`);
        expect(single).toMatchObject({ status: 200, body: { key: encryptedKey } });
        expect((await ask("GET", "/provisioners/nobody/encrypted-key")).status).toBe(404);
      });

      test("unknown paths are 404, wrong methods 405", async () => {
        expect((await ask("GET", "/nothing")).status).toBe(404);
        expect((await ask("GET", "/1.0/sign")).status).toBe(405);
      });
    });

    describe("signing", () => {
      test("token and request become a chain without the root", async () => {
        const request = await csr();
        const { status, body } = await sign(await token(commonName, names), request);
        expect(status).toBe(201);
        expect(body.certChain).toHaveLength(2);
        expect(body).toMatchObject({ crt: body.certChain[0], ca: body.certChain[1] });
        const [leaf, intermediate] = body.certChain.map((pem: string) => new X509Certificate(pem));
        expect(leaf.verify(intermediate.publicKey) && leaf.checkIssued(intermediate)).toBe(true);
        expect(intermediate.checkIssued(new X509Certificate(on.ca.root))).toBe(true);
        expect(leaf.checkPrivateKey(request.key)).toBe(true);
        expect(leaf.subject).toBe(`CN=${commonName}`);
        expect(leaf.subjectAltName.split(", ").sort()).toEqual([`DNS:${names[0]}`, `IP Address:${names[1]}`]);
        expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe((24 * 60 + 1) * 60_000);
        expect(Math.abs(Date.parse(leaf.validFrom) + 60_000 - Date.now())).toBeLessThan(20_000);
        expect([...leaf.keyUsage].sort()).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
      });

      test("names of the request must be those of the token, where it has any", async () => {
        expect((await sign(await token(commonName, names), await csr(commonName, names))).status).toBe(201);
        const more = await sign(
          await token(commonName, names),
          await csr("", [...names, "b.internal.example.net"]),
        );
        expect(more).toMatchObject({ status: 403, body: { status: 403 } });
        expect(more.body.message).toContain("does not contain the valid DNS names");
        const other = await sign(await token(commonName, names), await csr("other.internal.example.net"));
        expect(other.status).toBe(403);
      });

      test("a token is good once", async () => {
        const ott = await token(commonName, names);
        expect((await sign(ott)).status).toBe(201);
        expect(await sign(ott)).toMatchObject({ status: 401, body: { status: 401, message: generic401 } });
      });

      test("a token is bound to its request", async () => {
        const request = await csr();
        const cnf = { "x5rt#S256": createHash("sha256").update(request.der).digest("base64url") };
        expect((await sign(await token(commonName, names, { claims: { cnf } }), request)).status).toBe(201);
        expect((await sign(await token(commonName, names, { claims: { cnf } }), await csr())).status).toBe(
          403,
        );
      });

      test.each([
        ["another host in the audience", { claims: { aud: "https://other.example.net/1.0/sign" } }],
        ["a slash at the audience's end", { slash: true }],
        ["another issuer", { claims: { iss: "nobody" } }],
        ["another key id", { header: { kid: "nobody" } }],
        ["an empty subject", { claims: { sub: "" } }],
        ["a token that has expired", { claims: { exp: Math.floor(Date.now() / 1000) - 120 } }],
        ["a token of tomorrow", { claims: { nbf: Math.floor(Date.now() / 1000) + 86_400 } }],
        ["another signature", { key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey }],
      ] as const)("%s is refused with the same words", async (_, change) => {
        const claims =
          "slash" in change
            ? { aud: `https://${on.ca.hostname}/1.0/sign/` }
            : "claims" in change
              ? change.claims
              : {};
        const ott = await token(commonName, names, { ...change, claims });
        expect(await sign(ott)).toMatchObject({ status: 401, body: { status: 401, message: generic401 } });
      });

      test("the port of the audience does not count", async () => {
        const aud = `https://${on.ca.hostname}:4711/1.0/sign`;
        expect((await sign(await token(commonName, names, { claims: { aud } }))).status).toBe(201);
      });

      test("lifetimes are Go durations within the limits", async () => {
        const short = await sign(await token(commonName, names), undefined, { notAfter: "1h" });
        expect(short.status).toBe(201);
        const leaf = new X509Certificate(short.body.crt);
        expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe(61 * 60_000);
        expect((await sign(await token(commonName, names), undefined, { notAfter: "1d" })).status).toBe(400);
        const long = await sign(await token(commonName, names), undefined, { notAfter: "48h" });
        expect(long.status).toBe(403);
        expect(long.body.message).toContain(
          "more than the authorized maximum certificate duration of 24h1m0s",
        );
      });

      test("what is missing is named", async () => {
        const ott = await token(commonName, names);
        const { pem } = await csr();
        expect((await ask("POST", "/sign", { ott })).body.message).toBe(
          "The request could not be completed: missing csr.",
        );
        expect((await ask("POST", "/sign", { csr: pem })).body.message).toBe(
          "The request could not be completed: missing ott.",
        );
        expect((await ask("POST", "/sign", "{")).status).toBe(400);
      });
    });

    describe("renewal", () => {
      test("the certificate's holder gets a new one for the same key, names and time", async () => {
        const request = await csr();
        const first = (await sign(await token(commonName, names), request)).body;
        const client = {
          cert: first.certChain.join(""),
          key: request.key.export({ type: "pkcs8", format: "pem" }).toString(),
        };
        const renewed = await ask("POST", "/renew", undefined, client);
        expect(renewed.status).toBe(201);
        const [before, after] = [new X509Certificate(first.crt), new X509Certificate(renewed.body.crt)];
        expect(after.serialNumber).not.toBe(before.serialNumber);
        expect(after.checkPrivateKey(request.key)).toBe(true);
        expect(after.subjectAltName).toBe(before.subjectAltName);
        expect(Date.parse(after.validTo) - Date.parse(after.validFrom)).toBe((24 * 60 + 1) * 60_000);
      });

      test("without a certificate it is refused", async () => {
        const { status, body } = await ask("POST", "/renew");
        expect(status).toBe(400);
        expect(body.message).toContain("missing client certificate");
      });

      test("a token that the certificate's key signed does as well, with the intermediate", async () => {
        const request = await csr();
        const { body } = await sign(await token(commonName, names), request);
        const der = body.certChain.map((pem: string) => new X509Certificate(pem).raw.toString("base64"));
        const now = Math.floor(Date.now() / 1000);
        const bearer = (x5cInsecure: readonly string[]) =>
          new SignJWT({
            iss: "step-ca-client/1.0",
            sub: commonName,
            aud: `https://${on.ca.hostname}/renew`,
            nbf: now,
            iat: now,
            exp: now + 300,
            jti: randomBytes(16).toString("hex"),
          })
            .setProtectedHeader({ alg: "ES256", typ: "JWT", x5cInsecure })
            .sign(request.key);
        const send = async (x5c: readonly string[]) =>
          ask("POST", "/renew", undefined, { headers: { authorization: `Bearer ${await bearer(x5c)}` } });
        expect((await send(der)).status).toBe(201);
        expect((await send(der.slice(0, 1))).status).toBe(401);
      });
    });
  });
}
