/** Where the dashboard listens, and the certificate that it needs elsewhere than on loopback. */
import { isIP } from "node:net";
import { RefusedError, UsageError } from "../errors.ts";
import { recordsOf } from "../fabric/records.ts";
import { keyMatches, leadsTo, parseChain } from "../formats/x509/index.ts";
import type { Certificate, Site } from "../model.ts";
import { option } from "../option-names.ts";

export interface Listening {
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
}

/** Where it listens unless it is told otherwise; any free port when this one is taken. */
export const defaultListening: Listening = { address: "127.0.0.1", port: 8417 };

/** "127.0.0.1:8417", "[::1]:0", "localhost:8417". @throws UsageError */
export function listeningAt(text: string): Listening {
  const [, bracketed, plain = "", port = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const name = (bracketed ?? plain).toLowerCase();
  const address = name === "localhost" ? "127.0.0.1" : name;
  if (isIP(address) === 0 || Number(port) > 65_535)
    throw new UsageError(`${option.listen} must be ADDRESS:PORT, got "${text}"`, {
      hint: "for example 127.0.0.1:8417, or [::1]:0 for any free port",
    });
  return { address, port: Number(port) };
}

/** Only this machine reaches it. */
export function isLoopback(address: string): boolean {
  return /^127\./.test(address) || address === "::1";
}

/** What certifies an address: the first certificate of the manifest that has it, or a name of the site's DNS that leads to it. */
export interface Certified {
  readonly certificate: Certificate;
  /** What browsers are to use. */
  readonly name: string;
}

/** @throws RefusedError when the site declares no such certificate */
export function certifiedFor(site: Site, address: string): Certified {
  const { exact } = recordsOf(site);
  const names = exact.filter((record) => record.address === address).map(({ name }) => name);
  for (const name of [...names, address]) {
    const certificate = site.certificates.find((each) => each.names.includes(name));
    if (certificate !== undefined) return { certificate, name };
  }
  throw new RefusedError(`refused: the dashboard does not listen on ${address} without TLS`, {
    hint: isEvery(address)
      ? "name one address of this machine, so that a certificate can be about it"
      : `declare a certificate for ${address}, or for a name that leads to it, in etc/certificate-manifest.json and run \`phoenix sync certificates\`; or listen on 127.0.0.1 and reach it by \`ssh -L\``,
  });
}

/** Every address of the machine at once: "0.0.0.0", "::". */
function isEvery(address: string): boolean {
  return /^[0:.]+$/.test(address);
}

/** @param root the site's; @throws RefusedError when the files are not a valid pair of the site's CA */
export function refuseUnfit(
  { certificate: { commonName }, name }: Certified,
  pair: { readonly cert: string | undefined; readonly key: string | undefined },
  root: string,
  nowMs: number,
): asserts pair is { readonly cert: string; readonly key: string } {
  const fault = faultOf(pair.cert, pair.key, root, nowMs, name);
  if (fault === undefined) return;
  throw new RefusedError(`refused: the certificate "${commonName}" cannot serve the dashboard: ${fault}`, {
    hint: "`phoenix sync certificates` issues it",
  });
}

function faultOf(
  cert: string | undefined,
  key: string | undefined,
  root: string,
  nowMs: number,
  name: string,
): string | undefined {
  const chain = parseChain(cert ?? "");
  const [leaf] = chain;
  if (cert === undefined || leaf === undefined) return "its file is missing";
  if (key === undefined || !keyMatches(cert, key)) return "its key is missing or is another's";
  if (!leadsTo(chain, root)) return "it was not issued by the site's CA";
  if (nowMs >= leaf.notAfterMs) return "it has expired";
  return leaf.names.some((each) => each.endsWith(`:${name}`)) ? undefined : `"${name}" is not in it`;
}
