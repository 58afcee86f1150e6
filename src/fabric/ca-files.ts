/** The CA's root certificate and its provisioner's password, found in the places that the site declares for them. */
import { CommandError, messageOf, NotReadyError, TransportError } from "../errors.ts";
import { rootIn } from "../formats/x509/index.ts";
import type { Host } from "../hosts/host.ts";
import type { HostPath } from "../model.ts";
import type { HostName } from "../resource.ts";
import { Secret } from "../secret.ts";

export interface FoundRoot {
  /** PEM of the root certificate alone, with a final newline. */
  readonly pem: string;
  readonly from: HostPath;
}

/**
 * The root certificate from the first place that has one.
 * @throws NotReadyError with every place and what was wrong there
 */
export async function findRoot(
  places: readonly HostPath[],
  host: (name: HostName) => Host,
): Promise<FoundRoot> {
  return find("the CA's root certificate", places, host, (text, from) => {
    const pem = rootIn(text);
    return pem === undefined ? undefined : { pem, from };
  });
}

/**
 * The provisioner's password from the first place that has one.
 * @throws NotReadyError with every place and what was wrong there
 */
export async function findProvisionerPassword(
  places: readonly HostPath[],
  host: (name: HostName) => Host,
): Promise<Secret> {
  return find("the password of the CA's provisioner", places, host, (text) => {
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
