/** What each certificate of the manifest should be: its names, its owner and mode, and that it is valid. */
import { typedNames } from "../../formats/x509/index.ts";
import type { Certificate, Site } from "../../model.ts";

import { type Change, canonicalJson, diffUnits, type Resource, type ResourceId } from "../../resource.ts";
import { countWords } from "../resources.ts";

/** A pair as declared, or as found on the hypervisor. */
export interface PairState {
  /** Names with their types, sorted: "DNS:a.example.net". */
  readonly names: readonly string[];
  /** "user:group" of the certificate's file and of the key's. */
  readonly owners: readonly [certificate: string, key: string];
  /** Octal digits, likewise. */
  readonly modes: readonly [certificate: string, key: string];
  /** "valid", or what is wrong with it, in a text that does not change from minute to minute. */
  readonly state: string;
}

export const valid = "valid";

/** How the state of a pair begins that is valid and should be renewed by now. */
export const renewalIsDue = "renewal is due";

/** Whether only time has passed: nobody changed anything, and the next sync renews it. */
export function isDueRenewal(change: Change): boolean {
  if (change.verb !== "update" || !change.desired.id.startsWith("certificates/")) return false;
  const [unit, ...others] = diffUnits(change);
  return (
    others.length === 0 &&
    unit?.verb === "update" &&
    unit.unit === "state" &&
    unit.before.startsWith(renewalIsDue)
  );
}

/** Without serial number, dates and issuing root: a renewal changes those. A due renewal shows in the live state. */
export function compile(site: Site): readonly Resource[] {
  return site.certificates.map((certificate) => pairResource(certificate, declaredState(certificate)));
}

export function declaredState(certificate: Certificate): PairState {
  const { names, owner, mode } = certificate;
  return {
    names: typedNames(names),
    owners: [owner, owner],
    modes: [Number.parseInt(mode, 8).toString(8), keyMode(mode)],
    state: valid,
  };
}

/** The declared mode is for both files, but a key is never readable by others nor writable by its group. */
function keyMode(mode: string): string {
  return (Number.parseInt(mode, 8) & 0o640).toString(8);
}

export function pairResource(certificate: Certificate, pair: PairState): Resource {
  const [certificateOwner, keyOwner] = pair.owners;
  const [certificateMode, keyModeNow] = pair.modes;
  const named = pair.names.map((name) => [name.replace(/^(DNS|IP|URI|email):/, ""), "SAN"] as const);
  const units = {
    ...Object.fromEntries(named),
    certificate: `${certificateMode} ${certificateOwner}`,
    key: `${keyModeNow} ${keyOwner}`,
    state: pair.state,
  };
  const from = Object.fromEntries(Object.keys(units).map((unit) => [unit, certificate.from]));
  const summary = countWords(pair.names.length, "name");
  return { id: idOf(certificate), host: "pve", text: canonicalJson(pair), units, summary, from };
}

export function idOf({ commonName }: Certificate): ResourceId {
  return `certificates/${commonName}`;
}

/** The entry of a resource. */
export function certificateOf(site: Site, id: ResourceId): Certificate | undefined {
  return site.certificates.find((certificate) => idOf(certificate) === id);
}
