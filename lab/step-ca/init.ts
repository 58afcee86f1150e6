/** What `step ca init` leaves on the CA guest: a root, an intermediate, a provisioner, and their files. */
import { createHash, createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { CompactEncrypt, calculateJwkThumbprint } from "jose";
import type { HostName } from "../../src/resource.ts";
import type { LabContext } from "../context.ts";
import { readFacts } from "../facts.ts";
import { newKey, signCertificate } from "../x509.ts";

export interface CaOptions {
  /** The provisioner's name: "admin@example.net". */
  readonly provisioner: string;
  /** The name that the CA's own certificate is for, besides its address. */
  readonly hostname: string;
  readonly address: string;
  readonly domain: string;
}

export interface NewCa {
  readonly rootPem: string;
  /** SHA-256 of the root's DER form, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly password: string;
  /** What clients need, at the guest's first mount point: paths in the guest. */
  readonly shared: readonly string[];
}

/** Where `step ca init` puts everything for root. */
export const stepPath = "/root/.step";
/** Where the family's CA keeps them when its guest has no mount point. */
const unshared = "/etc/step-ca/ssl";

const tenYearsMs = 10 * 365 * 24 * 60 * 60 * 1000;

/** Rounds that the provisioner's password is stretched by: step's older default, a sixth of today's, because a lab is made often. */
const rounds = 100_000;

/** Makes the CA's files, and copies of what clients need, at the guest's first mount point where it has one. */
export async function initCa(context: LabContext, host: HostName, options: CaOptions): Promise<NewCa> {
  const { provisioner, hostname, address, domain } = options;
  const [password, now] = [randomBytes(32).toString("base64"), context.clock.now()];
  const lifetime = { names: [], notBeforeMs: now - 60_000, notAfterMs: now + tenYearsMs };
  const [rootKey, intermediateKey, jwkKey] = [newKey(), newKey(), newKey()];
  const rootPem = await signCertificate({
    ...lifetime,
    subject: `O=${domain}, CN=${domain} Root CA`,
    publicKey: rootKey.publicKey,
    pathLength: 1,
    ownKey: rootKey.pem,
  });
  const intermediatePem = await signCertificate({
    ...lifetime,
    subject: `O=${domain}, CN=${domain} Intermediate CA`,
    publicKey: intermediateKey.publicKey,
    pathLength: 0,
    issuer: { cert: rootPem, key: rootKey.pem },
  });
  const { key, encryptedKey } = await provisionerKey(jwkKey.pem, password);
  const configuration = {
    root: `${stepPath}/certs/root_ca.crt`,
    federatedRoots: null,
    crt: `${stepPath}/certs/intermediate_ca.crt`,
    key: `${stepPath}/secrets/intermediate_ca_key`,
    address: `:${readFacts(context.store)?.caPort ?? 9000}`,
    insecureAddress: "",
    dnsNames: [hostname, address],
    logger: { format: "text" },
    db: { type: "badgerv2", dataSource: `${stepPath}/db`, badgerFileLoadingMode: "" },
    authority: { provisioners: [{ type: "JWK", name: provisioner, key, encryptedKey }] },
    tls: { minVersion: 1.2, maxVersion: 1.3, renegotiation: false },
  };
  const fingerprint = createHash("sha256").update(new X509Certificate(rootPem).raw).digest("hex");
  const defaults = {
    "ca-url": `https://${hostname}${configuration.address}`,
    fingerprint,
    root: configuration.root,
  };
  const write = (path: string, text: string, mode: number): void => {
    mkdirSync(context.path(host, posix.dirname(path)), { recursive: true });
    const real = context.path(host, path);
    writeFileSync(real, text, { mode });
    chmodSync(real, mode);
  };
  write(configuration.root, rootPem, 0o600);
  write(configuration.crt, intermediatePem, 0o600);
  write(`${stepPath}/secrets/root_ca_key`, locked(rootKey.pem, password), 0o600);
  write(configuration.key, locked(intermediateKey.pem, password), 0o600);
  write(`${stepPath}/secrets/password`, `${password}\n`, 0o600);
  write(`${stepPath}/config/ca.json`, pretty(configuration), 0o600);
  write(`${stepPath}/config/defaults.json`, pretty(defaults), 0o644);
  // `openssl rand -base64 32 > FILE` ends it with a line feed, and so do the copies.
  const shared = readFacts(context.store)?.mounts.find((mount) => mount.host === host)?.path ?? unshared;
  const [rootCopy, passwordCopy] = [`${shared}/phoenix_root_ca.crt`, `${shared}/provisioner_password.txt`];
  write(rootCopy, rootPem, 0o644);
  write(passwordCopy, `${password}\n`, 0o600);
  return { rootPem, fingerprint, password, shared: [rootCopy, passwordCopy] };
}

interface ProvisionerKey {
  readonly key: Readonly<Record<string, unknown>>;
  /** Compact JWE of the private key. */
  readonly encryptedKey: string;
}

/** The provisioner's key as ca.json holds it: the public half, and the private half behind the password. */
async function provisionerKey(pem: string, password: string): Promise<ProvisionerKey> {
  const { kty = "", crv = "", x = "", y = "", d = "" } = createPrivateKey(pem).export({ format: "jwk" });
  const kid = await calculateJwkThumbprint({ kty, crv, x, y });
  const key = { use: "sig", kty, kid, crv, alg: "ES256", x, y };
  const encryptedKey = await new CompactEncrypt(Buffer.from(JSON.stringify({ ...key, d })))
    .setProtectedHeader({ alg: "PBES2-HS256+A128KW", cty: "jwk+json", enc: "A256GCM" })
    .setKeyManagementParameters({ p2c: rounds })
    .encrypt(Buffer.from(password));
  return { key, encryptedKey };
}

function locked(pem: string, passphrase: string): string {
  const exported = createPrivateKey(pem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase,
  });
  return exported.toString();
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, "\t")}\n`;
}
