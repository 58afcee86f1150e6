/** What a renewal must remember, on the hypervisor where no guest can read it: the previous pair, the last notification. */
import { isObject, parseJson } from "../../formats/json/index.ts";
import type { FileState, Host } from "../../hosts/host.ts";
import type { Certificate } from "../../model.ts";
import { canonicalJson } from "../../resource.ts";

export type KeptFile = Pick<FileState, "text" | "mode" | "owner">;

/** A pair before a change. A file that did not exist is absent. */
export interface KeptPair {
  /** The text of its resource: what a rollback must name. */
  readonly state: string;
  readonly certificate?: KeptFile;
  readonly key?: KeptFile;
}

/** How the consumers of a pair were last notified. */
export interface Notification {
  /** Identifies the pair whose post-renewal command succeeded; "" when the last one failed. */
  readonly pair: string;
  /** When that was, in milliseconds since the epoch; 0 when the command had nothing to do. */
  readonly atMs: number;
  /** What the command did to its consumer. */
  readonly kind?: "reload" | "restart";
  /** Why the last command failed. */
  readonly failure?: string;
  /** It could not be run at all: its guest does not answer. */
  readonly unreached?: true;
  /** The declared command: what tells an import how the pair is renewed. */
  readonly command?: string;
}

const directory = "/var/lib/phoenix/certificates";

/** The version of the records. Phoenix 0.2.0 and older wrote the same ones without it. */
const version = 1;

/** A file for each common name: a wildcard's star stays, a slash cannot occur in a certificate's name. */
export function fileOf({ commonName }: Pick<Certificate, "commonName">, kind: "previous" | "told"): string {
  return `${directory}/${commonName.replace(/[^a-z0-9*.:_-]/gi, "_")}.${kind}.json`;
}

export async function keepPair(host: Host, certificate: Certificate, pair: KeptPair): Promise<void> {
  await write(host, fileOf(certificate, "previous"), pair);
}

export async function keptPair(host: Host, certificate: Certificate): Promise<KeptPair | undefined> {
  const [pair] = await read<KeptPair>(host, [fileOf(certificate, "previous")]);
  return pair;
}

export async function recordNotification(
  host: Host,
  certificate: Certificate,
  notification: Notification,
): Promise<void> {
  const { postRenewal } = certificate;
  const command = postRenewal === undefined ? {} : { command: postRenewal.command };
  await write(host, fileOf(certificate, "told"), { ...notification, ...command });
}

/** Those of many certificates in one round trip, in their order. */
export async function lastNotifications(
  host: Host,
  certificates: readonly Certificate[],
): Promise<readonly (Notification | undefined)[]> {
  const paths = certificates.map((certificate) => fileOf(certificate, "told"));
  return read<Notification>(host, paths);
}

async function write(host: Host, path: string, content: object): Promise<void> {
  await host.expect({ argv: ["mkdir", "-p", "-m", "700", directory], effect: "change" });
  await host.writeFiles([
    { path, text: canonicalJson({ version, ...content }), mode: "600", owner: "root:root" },
  ]);
}

/** A record that is damaged, or of a newer Phoenix, counts as absent. */
async function read<T>(host: Host, paths: readonly string[]): Promise<readonly (T | undefined)[]> {
  const files = await host.readFiles(paths);
  return paths.map((path) => {
    const value = parseJson(files.get(path)?.text ?? "");
    return isObject(value) && (value.version ?? version) === version ? (value as T) : undefined;
  });
}
