/** The pairs on the hypervisor as they are. Changes nothing. */

import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { findRoot } from "../../fabric/ca-files.ts";
import { declared } from "../../fabric/declared.ts";
import {
  keyMatches,
  leadsTo,
  type ParsedCertificate,
  parseChain,
  renewalDue,
} from "../../formats/x509/index.ts";
import type { FileState } from "../../hosts/host.ts";
import type { Certificate } from "../../model.ts";
import type { Resource } from "../../resource.ts";
import { type PairState, pairResource, renewalIsDue, valid } from "./compile.ts";
import { ownershipsOf } from "./owners.ts";
import { lastNotifications, type Notification } from "./record.ts";

/** The files of a pair as they are, and their state. */
export interface LivePair {
  readonly certificate: Certificate;
  readonly files: { readonly certificate?: FileState; readonly key?: FileState };
  readonly pair: PairState;
  /** Those of the certificate's file: the pair's own first. */
  readonly chain: readonly ParsedCertificate[];
  readonly resource: Resource;
  /** Identifies what consumers load: content, owners and modes. */
  readonly identity: string;
  readonly notification: Notification | undefined;
}

/** Every pair of which at least one file is there. */
export async function readPairs(io: Io, certificates: readonly Certificate[]): Promise<readonly LivePair[]> {
  if (certificates.length === 0) return [];
  const host = io.host("pve");
  const paths = certificates.flatMap(({ certPath, keyPath }) => [certPath, keyPath]);
  const [root, files, notifications, ownerships] = await Promise.all([
    findRoot(declared(io.site, "ca").rootFiles, io.host),
    host.readFiles(paths),
    lastNotifications(host, certificates),
    ownershipsOf(io, certificates),
  ]);
  return certificates.flatMap((certificate, at): LivePair[] => {
    const [cert, key] = [files.get(certificate.certPath), files.get(certificate.keyPath)];
    if (cert === undefined && key === undefined) return [];
    const chain = parseChain(cert?.text ?? "");
    const [leaf] = chain;
    const notification = notifications[at];
    const seen = (file: FileState | undefined): string =>
      (file && ownerships.get(certificate)?.seen(file)) ?? "";
    const measured = {
      names: leaf?.names ?? [],
      owners: [seen(cert), seen(key)],
      modes: [cert?.mode ?? "", key?.mode ?? ""],
    } as const;
    const identity = identityOf(leaf?.fingerprint ?? "", [cert, key]);
    const fault =
      faultOf(cert, key, root.pem, io.clock.now()) ??
      (notification === undefined || notification.pair === identity ? undefined : notNotified);
    const pair = { ...measured, state: fault ?? valid };
    const resource = pairResource(certificate, pair);
    return [
      {
        certificate,
        files: defined({ certificate: cert, key }),
        pair,
        chain,
        resource,
        identity,
        notification,
      },
    ];
  });
}

/** A good pair whose consumers do not use it yet: nothing must be issued, only the command must run. */
export const notNotified = "valid, but its post-renewal command has not succeeded";

/** Content, owners and modes: a consumer that could not read a pair must be notified when it can. */
function identityOf(fingerprint: string, files: readonly (FileState | undefined)[]): string {
  return [fingerprint, ...files.map((file) => `${file?.mode ?? ""} ${file?.owner ?? ""}`)].join(", ");
}

/** What is wrong with a pair; the text stays the same until something changes. */
function faultOf(
  cert: FileState | undefined,
  key: FileState | undefined,
  root: string,
  nowMs: number,
): string | undefined {
  if (cert === undefined) return "its certificate is missing";
  if (key === undefined) return "its key is missing";
  const chain = parseChain(cert.text);
  const [leaf] = chain;
  if (leaf === undefined) return "its certificate cannot be read";
  if (!keyMatches(cert.text, key.text)) return "its key does not match";
  if (!leadsTo(chain, root)) return "it was not issued by the CA's current root";
  if (leaf.notAfterMs <= nowMs) return `it expired at ${time(leaf.notAfterMs)}`;
  // A clock that was set back, here or on the CA.
  if (leaf.notBeforeMs > nowMs) return `it is not valid before ${time(leaf.notBeforeMs)}`;
  if (renewalDue(leaf, nowMs))
    return `${renewalIsDue}: two thirds of its lifetime are over, it expires at ${time(leaf.notAfterMs)}`;
  return undefined;
}

/** Whether the CA must issue a new pair; otherwise only owners, modes or the notification may be wrong. */
export function needsIssuing(pair: PairState, wanted: PairState): boolean {
  return (pair.state !== valid && pair.state !== notNotified) || pair.names.join() !== wanted.names.join();
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
