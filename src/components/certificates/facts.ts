/** The certificates of the site as they are on disk and as they are served, and the CA's own. Changes nothing. */
import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { findRoot } from "../../fabric/ca-files.ts";
import { declared } from "../../fabric/declared.ts";
import { type ParsedCertificate, parseChain, renewalMs } from "../../formats/x509/index.ts";
import type { Certificate } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import { declaredState, valid } from "./compile.ts";
import { type LivePair, readPairs } from "./read.ts";
import { serverOf } from "./served.ts";

export interface CertificateFacts {
  readonly name: string;
  /** In the certificate, without their types. */
  readonly names: readonly string[];
  /** Declared, and not in it. */
  readonly missing: readonly string[];
  readonly issuer?: string;
  /** Milliseconds since the epoch; absent without a certificate that can be read. */
  readonly notAfterMs?: number;
  readonly renewalMs?: number;
  /** "valid", or what is wrong with it. */
  readonly state: string;
  /** Absent where the site does not tell who serves it. */
  readonly served?: Served;
}

export interface Served {
  readonly host: GuestName;
  readonly address: string;
  readonly port: number;
  /** "same" is the one on disk. */
  readonly outcome: "same" | "other" | "no answer";
  readonly reason?: string;
}

export interface AuthorityFacts {
  readonly name: string;
  readonly role: "root" | "intermediate";
  readonly notAfterMs: number;
}

export interface AllFacts {
  readonly certificates: readonly CertificateFacts[];
  readonly authorities: readonly AuthorityFacts[];
}

/** @throws NotReadyError when the CA's root is nowhere to be found */
export async function certificateFacts(io: Io): Promise<AllFacts> {
  const { certificates } = io.site;
  const [pairs, found] = await Promise.all([
    readPairs(io, certificates),
    findRoot(declared(io.site, "ca").rootFiles, io.host),
  ]);
  const facts = certificates.map((certificate) => {
    const live = pairs.find((pair) => pair.certificate === certificate);
    return factsOf(io, certificate, live);
  });
  const authorities = [...parseChain(found.pem), ...pairs.flatMap(({ chain }) => chain.slice(1))];
  return { certificates: await Promise.all(facts), authorities: authorityFacts(authorities) };
}

/** When each pair on disk ends, and when its renewal is due. */
export async function pairEnds(
  io: Io,
): Promise<readonly { readonly name: string; readonly notAfterMs: number; readonly renewalMs: number }[]> {
  const pairs = await readPairs(io, io.site.certificates);
  return pairs.flatMap(({ certificate: { commonName: name }, chain: [leaf] }) =>
    leaf === undefined ? [] : [{ name, notAfterMs: leaf.notAfterMs, renewalMs: renewalMs(leaf) }],
  );
}

async function factsOf(
  io: Io,
  certificate: Certificate,
  live: LivePair | undefined,
): Promise<CertificateFacts> {
  const [leaf] = live?.chain ?? [];
  const plain = (name: string): string => name.replace(/^\w+:/, "");
  const names = live?.pair.names ?? [];
  const missing = declaredState(certificate).names.filter((name) => !names.includes(name));
  const state = live?.pair.state ?? "both files are missing";
  return {
    name: certificate.commonName,
    names: names.map(plain),
    missing: missing.map(plain),
    state: state === valid && missing.length > 0 ? "it lacks declared names" : state,
    ...defined({
      issuer: leaf?.issuer,
      notAfterMs: leaf?.notAfterMs,
      renewalMs: leaf && renewalMs(leaf),
      served: await servedOf(io, certificate, leaf?.serial),
    }),
  };
}

async function servedOf(
  io: Io,
  certificate: Certificate,
  serial: string | undefined,
): Promise<Served | undefined> {
  const server = serverOf(io.site, certificate);
  if (server === undefined) return undefined;
  const { servername, ...place } = server;
  const seen = await io.network.handshake(place.address, place.port, { servername });
  if (!seen.ok) return { ...place, outcome: "no answer", reason: seen.reason };
  return { ...place, outcome: seen.serial === serial ? "same" : "other" };
}

/** Each once: the root first. */
function authorityFacts(found: readonly ParsedCertificate[]): readonly AuthorityFacts[] {
  const once = new Map(found.filter(({ isAuthority }) => isAuthority).map((one) => [one.fingerprint, one]));
  return [...once.values()].map(({ commonName, issuer, notAfterMs }) => ({
    name: commonName,
    role: commonName === issuer ? "root" : "intermediate",
    notAfterMs,
  }));
}
