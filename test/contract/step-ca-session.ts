/** Raw requests, tokens and certificate requests for the Step-CA contract: no client of ours. */
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import "reflect-metadata";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import * as x509 from "@peculiar/x509";
import { compactDecrypt, SignJWT } from "jose";

export interface StepCaUnderTest {
  readonly address: string;
  readonly port: number;
  /** One of its own names. */
  readonly hostname: string;
  /** PEM. */
  readonly root: string;
  readonly provisioner: string;
  readonly password: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at member by member
  readonly body: any;
}

export interface TokenChange {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject;
}

export interface Csr {
  readonly pem: string;
  readonly der: Buffer;
  readonly key: KeyObject;
}

export interface StepCaSession {
  readonly ca: StepCaUnderTest;
  /** The provisioner's key id. */
  readonly kid: string;
  ask(method: string, path: string, body?: unknown, more?: RequestOptions): Promise<Answer>;
  /** A token as `step` makes it, but for `change`. */
  token(subject: string, names: readonly string[], change?: TokenChange): Promise<string>;
  /** POST /1.0/sign; without a request for one that says nothing but its key. */
  sign(token: string, request?: Csr, more?: Record<string, unknown>): Promise<Answer>;
}

export async function openSession(ca: StepCaUnderTest): Promise<StepCaSession> {
  const ask: StepCaSession["ask"] = (method, path, body, more = {}) =>
    new Promise((resolve, reject) => {
      const agent = new Agent({ keepAlive: false });
      const { address: host, port, hostname: servername, root } = ca;
      const headers = { host: `${servername}:${port}`, ...more.headers };
      const sent = httpsRequest(
        { host, port, path, method, servername, ca: root, agent, ...more, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk) => chunks.push(chunk));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            let parsed: unknown;
            try {
              parsed = JSON.parse(text);
            } catch {
              parsed = undefined;
            }
            resolve({ status: response.statusCode ?? 0, text, body: parsed });
          });
        },
      );
      sent.on("error", reject);
      sent.end(typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body));
    });
  const { body } = await ask("GET", "/provisioners");
  const ours = body.provisioners.find((each: { name: string }) => each.name === ca.provisioner);
  const { kid } = ours.key;
  const { plaintext } = await compactDecrypt(ours.encryptedKey, Buffer.from(ca.password), {
    keyManagementAlgorithms: ["PBES2-HS256+A128KW"],
    maxPBES2Count: 1_000_000,
  });
  const provisionerKey = createPrivateKey({
    key: JSON.parse(Buffer.from(plaintext).toString()),
    format: "jwk",
  });
  return {
    ca,
    kid,
    ask,
    token: (sub, sans, { claims, header, key } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const times = { iat: now, nbf: now, exp: now + 300, jti: randomBytes(32).toString("hex") };
      const aud = `https://${ca.hostname}:${ca.port}/1.0/sign`;
      return new SignJWT({ iss: ca.provisioner, sub, sans, aud, ...times, ...claims })
        .setProtectedHeader({ alg: "ES256", kid, typ: "JWT", ...header })
        .sign(key ?? provisionerKey);
    },
    sign: async (ott, request, more = {}) =>
      ask("POST", "/1.0/sign", { csr: (request ?? (await csr())).pem, ott, ...more }),
  };
}

/** A certificate request for a new key. */
export async function csr(cn = "", names: readonly string[] = []): Promise<Csr> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: cn === "" ? "" : `CN=${cn}`,
    keys,
    signingAlgorithm: algorithm,
    extensions:
      names.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: /^[\d.]+$/.test(value) ? "ip" : "dns", value })),
            ),
          ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    pem: request.toString("pem"),
    der: Buffer.from(request.rawData),
    key: createPrivateKey({ key: der, format: "der", type: "pkcs8" }),
  };
}
