/** A PKCS #10 certificate request, written by hand: twenty lines of DER instead of a library. Pure but for the random key. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface CertificateRequest {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: KeyObject;
}

/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256. */
const ecdsaWithSha256 = Buffer.from("2a8648ce3d040302", "hex");

const tags = { integer: 0x02, bitString: 0x03, objectId: 0x06, sequence: 0x30, attributes: 0xa0 } as const;

/**
 * A request for a new P-256 key that says nothing else. Step-CA takes subject and names from the token, and a name that
 * stands in the request as well could only disagree with it (certificates v0.30 authority/provisioner/sign_options.go).
 */
export function createCertificateRequest(): CertificateRequest {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const version = element(tags.integer, Buffer.from([0]));
  const subject = element(tags.sequence);
  const publicKeyInfo = publicKey.export({ type: "spki", format: "der" });
  const info = element(tags.sequence, version, subject, publicKeyInfo, element(tags.attributes));
  const algorithm = element(tags.sequence, element(tags.objectId, ecdsaWithSha256));
  const signature = element(tags.bitString, Buffer.from([0]), sign("sha256", info, privateKey));
  const der = element(tags.sequence, info, algorithm, signature);
  return { der, pem: pemOf(der), key: privateKey };
}

function element(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), length(body.length), body]);
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  return bytes < 0x100 ? Buffer.from([0x81, bytes]) : Buffer.from([0x82, bytes >> 8, bytes & 0xff]);
}

function pemOf(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join("\n")}\n-----END CERTIFICATE REQUEST-----\n`;
}
