/** The declared certificates and how long they last. Pure. */
import { defined } from "../defined.ts";
import { parseChain, renewalDue } from "../formats/x509/index.ts";
import type { Site } from "../model.ts";
import type { DashboardDocument } from "../render/output-dashboard.ts";

/** A certificate's file as it is on the hypervisor; undefined text for a missing one. */
export interface CertificateFile {
  readonly path: string;
  readonly text: string | undefined;
}

const dayMs = 86_400_000;

/** Those that end first come first. @param files empty where they could not be read */
export function shownCertificates(
  { certificates }: Site,
  files: readonly CertificateFile[],
  nowMs: number,
): DashboardDocument["certificates"] {
  const read = new Map(files.map((file) => [file.path, file]));
  return certificates
    .map((certificate): DashboardDocument["certificates"][number] => {
      const { commonName, names, certPath, from } = certificate;
      const base = { name: commonName, names, at: { file: from.file, line: from.line } };
      const file = read.get(certPath);
      if (file === undefined) return { ...base, state: "unknown" };
      const [leaf] = parseChain(file.text ?? "");
      if (leaf === undefined) return { ...base, state: "missing" };
      const daysLeft = Math.floor(((leaf.notAfterMs - nowMs) / dayMs) * 10) / 10;
      const state = nowMs >= leaf.notAfterMs ? "expired" : renewalDue(leaf, nowMs) ? "due" : "valid";
      return {
        ...base,
        state,
        ...defined({ daysLeft, ends: new Date(leaf.notAfterMs).toISOString(), issuer: leaf.issuer }),
      };
    })
    .sort((a, b) => (a.daysLeft ?? -1) - (b.daysLeft ?? -1));
}
