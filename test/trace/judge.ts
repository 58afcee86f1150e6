/** What a trace said of a planted fault, beside what the table wants. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { newKey, signCertificate } from "../../lab/x509.ts";
import type { TraceDocument } from "../../src/render/output-schemas.ts";
import type { Hands, PlantedFault } from "./faults.ts";

/** What is wrong with the diagnosis; empty when it is right. */
export function misdiagnosis(root: string, fault: PlantedFault, document: TraceDocument): string {
  const way = document.ways.find(({ well }) => !well);
  const hop = way?.broken === undefined ? undefined : way.hops[way.broken];
  if (hop === undefined) return "nothing is broken";
  const { file, line } = hop.declared;
  const declared = (readFileSync(join(root, file), "utf8").split("\n")[line - 1] ?? "").trim();
  const said = [hop.cause, ...(hop.details ?? [])].join("\n");
  const is = (wanted: string | RegExp, text: string): boolean =>
    typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
  return [
    hop.kind === fault.hop && hop.host === fault.host
      ? ""
      : `named ${hop.kind} on ${hop.host}, expected ${fault.hop} on ${fault.host}`,
    is(fault.says, said) ? "" : `said ${JSON.stringify(said)}, expected ${fault.says}`,
    is(fault.line, declared)
      ? ""
      : `declared in ${file}:${line} ${JSON.stringify(declared)}, expected ${fault.line}`,
    is(fault.hint, hop.hint ?? "") ? "" : `hint ${JSON.stringify(hop.hint)}, expected ${fault.hint}`,
    document.exitCode === 3 ? "" : `exit ${document.exitCode}`,
  ]
    .filter((each) => each !== "")
    .join("; ");
}

/** A certificate that nobody issued but itself. */
export const selfSigned: Hands["selfSigned"] = async (names, validFrom, validTo) => {
  const { pem, publicKey } = newKey();
  const [first = ""] = names;
  const validity = { notBeforeMs: validFrom.getTime(), notAfterMs: validTo.getTime() };
  const cert = await signCertificate({ subject: `CN=${first}`, publicKey, names, ...validity, ownKey: pem });
  return { cert, key: pem };
};
