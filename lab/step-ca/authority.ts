/** The CA as it runs: its configuration, certificates and keys as read from its guest's files. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { posix } from "node:path";
import type { HostName } from "../../src/resource.ts";
import type { LabContext } from "../context.ts";
import { readTextIfThere } from "../store.ts";
import { unitOn } from "../units.ts";
import type { TlsPair } from "../x509.ts";
import { stepPath } from "./init.ts";

export interface Provisioner {
  readonly type: string;
  readonly name: string;
  readonly key: Readonly<Record<string, string>>;
  readonly encryptedKey?: string;
  readonly claims?: Claims;
}

/** Limits of certificates' lifetimes, as Go durations; what is absent has Step-CA's default. */
export interface Claims {
  readonly minTLSCertDuration?: string;
  readonly maxTLSCertDuration?: string;
  readonly defaultTLSCertDuration?: string;
  readonly disableRenewal?: boolean;
  readonly allowRenewalAfterExpiry?: boolean;
}

export interface Authority {
  readonly context: LabContext;
  readonly host: HostName;
  readonly rootPem: string;
  readonly intermediate: TlsPair;
  readonly dnsNames: readonly string[];
  readonly provisioners: readonly Provisioner[];
  readonly claims: Claims;
  /** Milliseconds since the epoch, by the CA's own clock. */
  now(): number;
  /** When its process started; 0 when that is not known. */
  startedMs(): number;
  /** Remembers a one-time token; false when it was seen before. */
  useToken(id: string, expiresMs: number): boolean;
}

interface Configuration {
  readonly root: string;
  readonly crt: string;
  readonly key: string;
  readonly dnsNames: readonly string[];
  readonly authority: { readonly provisioners: readonly Provisioner[]; readonly claims?: Claims };
}

/** A CA whose clock is this far ahead takes no token that was made now, in milliseconds. */
const fastClockMs = 10 * 60_000;

/** @throws Error when its files are not as `step ca init` makes them */
export function loadAuthority(context: LabContext, host: HostName): Authority {
  const read = (path: string): string => {
    const text = readTextIfThere(context.path(host, posix.resolve(stepPath, path)));
    if (text === undefined) throw new Error(`open ${path}: no such file or directory`);
    return text;
  };
  const configuration = JSON.parse(read("config/ca.json")) as Configuration;
  const key = intermediateKey(read(configuration.key), () => read("secrets/password").trimEnd());
  const document = `step-ca-tokens-${host.replace("/", "-")}`;
  const now = (): number => {
    const ahead = context.fault("expired-token", "ca") === undefined ? 0 : fastClockMs;
    return context.clock.now() + ahead;
  };
  return {
    context,
    host,
    rootPem: read(configuration.root),
    intermediate: {
      cert: read(configuration.crt),
      key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    },
    dnsNames: configuration.dnsNames,
    provisioners: configuration.authority.provisioners,
    claims: configuration.authority.claims ?? {},
    now,
    startedMs: () => unitOn(context, host, "step-ca")?.startedMs ?? 0,
    useToken: (id, expiresMs) => {
      const known = context.store.read<Readonly<Record<string, number>>>(document) ?? {};
      if (Object.hasOwn(known, id)) return false;
      // What has expired is refused for that; remembering it is of no use.
      const alive = Object.entries(known).filter(([, end]) => end > now());
      context.store.write(document, Object.fromEntries([...alive, [id, expiresMs]]));
      return true;
    },
  };
}

function intermediateKey(pem: string, password: () => string): KeyObject {
  const encrypted = pem.includes("ENCRYPTED");
  return createPrivateKey(encrypted ? { key: pem, passphrase: password() } : pem);
}
