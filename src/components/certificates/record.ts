/**
 * What a renewal must not forget, kept on the hypervisor (0600) beside nothing that a guest can see: the pair before it,
 * so that it can be put back, and which pair the consumers were last told of.
 */
import type { Host } from "../../hosts/host.ts";
import type { Certificate } from "../../model.ts";
import { canonicalJson } from "../../resource.ts";

export interface KeptFile {
  readonly text: string;
  readonly mode: string;
  readonly owner: string;
}

/** A pair as it was before a change. A file that was not there is absent. */
export interface KeptPair {
  /** The text of the resource that it was: what a change back must name. */
  readonly state: string;
  readonly certificate?: KeptFile;
  readonly key?: KeptFile;
}

/** How far the consumers of a pair are. */
export interface Told {
  /** Identifies the pair whose post-renewal command ended well; "" when the last one did not. */
  readonly pair: string;
  /** When that was, in milliseconds since the epoch; 0 when the command had nothing to do. */
  readonly atMs: number;
  /** What the command did to its consumer. */
  readonly kind?: "reload" | "restart";
  /** Why the last command did not end well. */
  readonly failure?: string;
  /** It could not be run at all: its guest does not answer. */
  readonly unreached?: true;
}

const directory = "/var/lib/phoenix/certificates";

/** A file name for each common name: a wildcard's star stays, a slash cannot occur in a certificate's name. */
function fileOf({ commonName }: Certificate, kind: "previous" | "told"): string {
  return `${directory}/${commonName.replace(/[^a-z0-9*.:_-]/gi, "_")}.${kind}.json`;
}

export async function keepPair(host: Host, certificate: Certificate, pair: KeptPair): Promise<void> {
  await privateDirectory(host);
  const path = fileOf(certificate, "previous");
  await host.writeFiles([{ path, text: canonicalJson(pair), mode: "600", owner: "root:root" }]);
}

export async function keptPair(host: Host, certificate: Certificate): Promise<KeptPair | undefined> {
  return readJson<KeptPair>(host, fileOf(certificate, "previous"));
}

export async function tell(host: Host, certificate: Certificate, told: Told): Promise<void> {
  await privateDirectory(host);
  const path = fileOf(certificate, "told");
  await host.writeFiles([{ path, text: canonicalJson(told), mode: "600", owner: "root:root" }]);
}

/** Records of many certificates in one round trip, in their order. */
export async function toldOf(
  host: Host,
  certificates: readonly Certificate[],
): Promise<readonly (Told | undefined)[]> {
  const paths = certificates.map((certificate) => fileOf(certificate, "told"));
  const files = await host.readFiles(paths);
  return paths.map((path) => parsed<Told>(files.get(path)?.text));
}

async function privateDirectory(host: Host): Promise<void> {
  await host.expect({ argv: ["mkdir", "-p", "-m", "700", directory], effect: "change" });
}

async function readJson<T>(host: Host, path: string): Promise<T | undefined> {
  return parsed<T>((await host.readFiles([path])).get(path)?.text);
}

/** A damaged record counts as none. */
function parsed<T>(text: string | undefined): T | undefined {
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
