/** What the site's CA is known by: its root certificate and its provisioner's password, wherever they lie. */
import { X509Certificate } from "node:crypto";
import { CommandError, messageOf, NotReadyError, TransportError } from "../errors.ts";
import type { HostPath, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { Secret } from "../secret.ts";
import type { Host } from "./host.ts";

export interface FoundRoot {
  /** PEM of the root certificate alone, with a final newline. */
  readonly pem: string;
  readonly from: HostPath;
}

/**
 * The CA's root certificate from the first declared place that has one.
 * @throws NotReadyError that names every place and what was wrong with it.
 */
export async function findRoot(site: Site, host: (name: HostName) => Host): Promise<FoundRoot> {
  return find("the CA's root certificate", site.ca.rootFiles, host, (text, from) => {
    const pem = rootIn(text);
    return pem === undefined ? undefined : { pem, from };
  });
}

/**
 * The password of the CA's provisioner from the first declared place that has one.
 * @throws NotReadyError that names every place and what was wrong with it.
 */
export async function findProvisionerPassword(site: Site, host: (name: HostName) => Host): Promise<Secret> {
  return find("the password of the CA's provisioner", site.ca.passwordFiles, host, (text) => {
    // step trims what ends a file (crypto v0.77 internal/utils/file), and `openssl rand` ends it with a newline.
    const value = text.trimEnd();
    return value === "" ? undefined : new Secret(value);
  });
}

async function find<T>(
  what: string,
  places: readonly HostPath[],
  host: (name: HostName) => Host,
  accept: (text: string, from: HostPath) => T | undefined,
): Promise<T> {
  const tried: string[] = [];
  for (const group of byHost(places)) {
    const name = group[0]?.host ?? "pve";
    try {
      const files = await host(name).readFiles(group.map(({ path }) => path));
      for (const place of group) {
        const text = files.get(place.path)?.text;
        const found = text === undefined ? undefined : accept(text, place);
        if (found !== undefined) return found;
        tried.push(`${place.path} on ${name} ${text === undefined ? "is not there" : "does not hold it"}`);
      }
    } catch (error) {
      if (!(error instanceof TransportError) && !(error instanceof CommandError)) throw error;
      tried.push(`${name} could not be read: ${messageOf(error)}`);
    }
  }
  const where = tried.length === 0 ? "no place is declared for it" : tried.join("; ");
  throw new NotReadyError(`${what} was not found: ${where}`, {
    hint: "set up the CA guest first, or declare where the file lies",
  });
}

/** Neighbours on one host together, so that each host is asked once. */
function byHost(places: readonly HostPath[]): readonly (readonly HostPath[])[] {
  const groups: HostPath[][] = [];
  for (const place of places) {
    const last = groups.at(-1);
    if (last?.[0]?.host === place.host) last.push(place);
    else groups.push([place]);
  }
  return groups;
}

/** The first certificate of a text that issued itself; a file may hold the intermediate as well. */
function rootIn(text: string): string | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  for (const block of blocks) {
    try {
      const certificate = new X509Certificate(block);
      if (certificate.checkIssued(certificate)) return certificate.toString();
    } catch {
      // Not a certificate: the next block, or the next place, may hold one.
    }
  }
  return undefined;
}
