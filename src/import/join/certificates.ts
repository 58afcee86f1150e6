/** Certificates of the site's CA as entries of the manifest; others are told. Pure. */
import { leadsTo, type ParsedCertificate } from "../../formats/x509/index.ts";
import type { HostName } from "../../resource.ts";
import type {
  FoundCertificate,
  FoundCertificates,
  FoundRenewal,
  FoundServer,
  FoundWeb,
} from "../found/web.ts";
import type { Left } from "../found.ts";
import { type DraftValue, noted } from "../json.ts";

export interface JoinedCertificates {
  /** Entries of the manifest. */
  readonly entries: readonly DraftValue[];
  readonly left: readonly Left[];
}

/** @param root the CA's root certificate; absent where the site has no CA */
export function joinCertificates(
  { certificates, renewals, atMs }: FoundCertificates,
  web: FoundWeb,
  root: string | undefined,
): JoinedCertificates {
  const left: Left[] = [];
  const entries: DraftValue[] = [];
  const taken = new Map<string, string>();
  for (const found of certificates) {
    const [leaf] = found.chain;
    if (leaf === undefined) continue;
    const renewal = renewals.find((each) => concerns(each, found));
    const what = `the certificate of ${leaf.commonName || leaf.names.join(", ")}`;
    const reason = refusal(found, leaf, root, atMs) ?? twice(taken, leaf.commonName);
    if (reason !== undefined) {
      left.push({ source: found.source, what, reason });
      continue;
    }
    taken.set(leaf.commonName, found.certPath);
    entries.push(entryOf(found, leaf, namesServed(web, found), renewal));
    if (renewal !== undefined)
      left.push({
        source: renewal.source,
        what: `the renewal of ${leaf.commonName}`,
        reason: "Phoenix renews it once the site is synced: switch this off then",
      });
    else if (found.record !== undefined && found.record.command === undefined && !isGateways(web, found))
      left.push({
        source: found.source,
        what: `the post-renewal command of ${leaf.commonName}`,
        reason: "none is recorded: where one was declared before, add it to the entry",
      });
  }
  for (const renewal of renewals)
    if (!certificates.some((found) => concerns(renewal, found)))
      left.push({
        source: renewal.source,
        what: `the renewal of ${renewal.certPath}`,
        reason: "this certificate is not below a directory of the hypervisor that a guest mounts",
      });
  return { entries, left: [...left, ...inGuestsOnly(web, certificates)] };
}

/** Why a certificate is not one of the manifest. */
function refusal(
  { chain, key, mode, owner, record }: FoundCertificate,
  leaf: ParsedCertificate,
  root: string | undefined,
  nowMs: number,
): string | undefined {
  if (root === undefined) return `${leaf.issuer} issued it, and the site has no CA`;
  if (!leadsTo(chain, root)) return `${leaf.issuer} issued it, not the site's CA`;
  if (leaf.commonName === "") return "it has no common name";
  const odd = leaf.names.find((name) => !/^(?:DNS|IP):/.test(name));
  if (odd !== undefined) return `a site cannot declare its name ${odd}`;
  if (key === undefined) return "the key that belongs to it is not beside it";
  if (leaf.notAfterMs <= nowMs && record === undefined)
    return "it has expired, and nothing shows that it is in use";
  if (key.owner !== owner)
    return `its files have two owners, ${owner} and ${key.owner}, and an entry has one`;
  if (key.mode !== keyMode(mode))
    return `an entry cannot declare its modes: ${mode} of the certificate means ${keyMode(mode)} of the key, which has ${key.mode}`;
  return undefined;
}

/** The mode that Phoenix gives the key of a certificate with this mode. */
function keyMode(mode: string): string {
  return (Number.parseInt(mode, 8) & 0o640).toString(8);
}

function twice(taken: ReadonlyMap<string, string>, commonName: string): string | undefined {
  const before = taken.get(commonName);
  return before === undefined
    ? undefined
    : `${before} has the same common name, and a manifest has one of each`;
}

function entryOf(
  found: FoundCertificate,
  leaf: ParsedCertificate,
  served: ReadonlySet<string>,
  renewal: FoundRenewal | undefined,
): DraftValue {
  const { certPath, key, mode, owner, record, source } = found;
  const { commonName } = leaf;
  const names = leaf.names.map((name) => name.replace(/^(?:DNS|IP):/, ""));
  const sans = names.filter((name) => name !== commonName.toLowerCase() && !served.has(name));
  const command = record?.command ?? (renewal === undefined ? undefined : hookOf(renewal, found));
  return noted(
    {
      common_name: commonName,
      sans: sans.length === 0 ? undefined : sans,
      cert_path: certPath,
      key_path: key?.path,
      owner,
      permissions: mode.padStart(3, "0"),
      post_renewal_command:
        command !== undefined && record?.command === undefined ? noted(command, renewal?.source) : command,
    },
    source,
  );
}

/** The command that follows a renewal, as it is typed on the hypervisor. */
function hookOf({ host, certPath, command }: FoundRenewal, found: FoundCertificate): string | undefined {
  if (command === undefined) return undefined;
  const path = (host === "pve" ? found.certPath : found.seen?.certPath) ?? "";
  const [before = "", after = ""] = certPath.split("%i");
  const filled = command.replaceAll("%i", path.slice(before.length, path.length - after.length));
  const isPlain = /^[\w./@:=+, -]+$/.test(filled);
  return runOn(host, isPlain ? filled : `/bin/sh -c ${quoted(filled)}`);
}

function runOn(host: HostName, run: string): string {
  const [kind, id] = host.split("/");
  if (kind === "lxc") return `pct exec ${id} -- ${run}`;
  return kind === "vm" ? `qm guest exec ${id} -- ${run}` : run;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Whether a renewal is about this certificate, by its path on the machine that renews it. */
function concerns({ host, certPath }: FoundRenewal, found: FoundCertificate): boolean {
  const path = host === "pve" ? found.certPath : found.seen?.host === host ? found.seen.certPath : undefined;
  if (path === undefined) return false;
  const [before = "", after] = certPath.split("%i");
  return after === undefined ? path === certPath : path.startsWith(before) && path.endsWith(after);
}

/** The names that the gateway's own file serves with a certificate: Phoenix adds them by itself. */
function namesServed({ servers }: FoundWeb, { seen }: FoundCertificate): ReadonlySet<string> {
  const serving = servers.filter((server) => uses(server, seen) && server.isOurs);
  return new Set(serving.map(({ name }) => name));
}

function isGateways({ servers }: FoundWeb, { seen }: FoundCertificate): boolean {
  return servers.some((server) => server.isOurs && uses(server, seen));
}

function uses({ host, certificate }: FoundServer, seen: FoundCertificate["seen"]): boolean {
  return seen !== undefined && host === seen.host && certificate?.certPath === seen.certPath;
}

/** Certificates that proxies serve from their own disks: Phoenix keeps certificates on the hypervisor's. */
function inGuestsOnly(
  { servers, traefiks }: FoundWeb,
  certificates: readonly FoundCertificate[],
): readonly Left[] {
  const used = [
    ...servers.flatMap(({ host, certificate }) =>
      certificate === undefined ? [] : [{ host, ...certificate }],
    ),
    ...traefiks.flatMap(({ host, certificates: own }) => own.map((each) => ({ host, ...each }))),
  ];
  const unknown = used.filter(
    ({ host, certPath }) =>
      !certificates.some(({ seen }) => seen?.host === host && seen.certPath === certPath),
  );
  const paths = new Map(unknown.map((each) => [`${each.host} ${each.certPath}`, each]));
  return [...paths.values()].map(({ certPath, source }) => ({
    source,
    what: `the certificate ${certPath}`,
    reason:
      renewedBy(certPath) ?? "it lies in the guest alone: the manifest is about files of the hypervisor",
  }));
}

function renewedBy(path: string): string | undefined {
  if (/\/live\/npm-\d+\//.test(path)) return "Nginx Proxy Manager renews it";
  return path.startsWith("/etc/letsencrypt/") ? "certbot renews it" : undefined;
}
