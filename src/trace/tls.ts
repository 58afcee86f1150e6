/** TLS: the served certificate against the name, the clock, the site's root and the file on disk. */

import { describeHost } from "../fabric/guests.ts";
import type { TlsHop } from "../fabric/hop.ts";
import { leadsTo, parseChain, serialOf } from "../formats/x509/index.ts";
import { shortList, span } from "../render/words.ts";
import type { Looking } from "./context.ts";
import { affected, broken, type Finding, ok, unknown } from "./finding.ts";

export async function lookAtCertificate(looking: Looking, hop: TlsHop): Promise<Finding> {
  const { facts, way } = looking;
  const { address, port, name, certificate } = hop;
  const [seen, root, disk] = await Promise.all([
    facts.handshake(address, port, name),
    facts.root(),
    certificate === undefined ? undefined : facts.text("pve", certificate.certPath),
  ]);
  if (!("value" in seen)) return seen.late === true ? unknown(seen.fault) : affected(seen.fault);
  if (!seen.value.ok) {
    const isNamed = way.hops.some(({ kind }) => kind === "gateway" || kind === "backend");
    return isNamed
      ? affected(seen.value.reason)
      : broken(seen.value.reason, `no TLS at ${address}:${port}: ${seen.value.reason}`);
  }
  const now = facts.io.clock.now();
  const { certificate: served, serial, trusted, reason } = seen.value;
  const [leaf] = parseChain(served);
  if (leaf === undefined)
    return broken("no certificate", `${address}:${port} serves a certificate that cannot be read`);
  const left = `${span(leaf.notAfterMs - now)} left`;
  if (hop.issuer === "own")
    return leaf.notAfterMs <= now
      ? broken("expired", `the certificate of ${address}:${port} has expired`)
      : ok(`its own certificate, ${left}`);
  const fault =
    faultOf(served, name, now) ??
    (trusted ? undefined : `its chain does not lead to the site's root (${reason ?? "not trusted"})`);
  const onDisk = disk === undefined ? undefined : serialOf(disk);
  const isStale = onDisk !== undefined && onDisk !== serial;
  if (fault === undefined && !isStale) return ok(`names ${name}, ${left}`);
  const where = describeHost(facts.site, hop.host);
  const serials = isStale
    ? [`served: serial ${serial}; on disk: serial ${onDisk} (${certificate?.certPath})`]
    : [];
  const rootPem = "value" in root ? root.value : "";
  const isDiskGood =
    isStale &&
    disk !== undefined &&
    faultOf(disk, name, now) === undefined &&
    leadsTo(parseChain(disk), rootPem);
  const sync = "`phoenix sync certificates` issues a new one and loads it";
  const command = certificate?.postRenewal?.command ?? "phoenix sync certificates";
  if (fault === undefined)
    return broken("not the one on disk", `${where} serves another certificate than the one on disk`, {
      details: serials,
      hint: isDiskGood ? `\`${command}\` loads it` : `${sync}: the one on disk is not valid for ${name}`,
      from: certificate?.postRenewal?.from,
    });
  return broken(fault, `the certificate that ${where} serves for ${name} is wrong: ${fault}`, {
    details: serials,
    hint:
      certificate === undefined
        ? issuerHint
        : isDiskGood
          ? `the one on disk is good: \`${command}\` loads it`
          : sync,
  });
}

const issuerHint = "restart what serves it, so that it gets a new certificate from the CA";

/** What is wrong with the leaf of a chain, whoever issued it. */
function faultOf(pem: string, name: string, now: number): string | undefined {
  const [leaf] = parseChain(pem);
  if (leaf === undefined) return "it cannot be read";
  if (leaf.notAfterMs <= now) return `it expired ${span(now - leaf.notAfterMs)} ago`;
  if (leaf.notBeforeMs > now) return `it is not valid for another ${span(leaf.notBeforeMs - now)}`;
  const names = leaf.names.map((each) => each.replace(/^(?:DNS|IP):/, ""));
  if (names.some((each) => covers(each, name))) return undefined;
  return `it does not name ${name}, but ${shortList(names, 3) || "nothing"}`;
}

function covers(pattern: string, name: string): boolean {
  if (pattern.toLowerCase() === name) return true;
  return pattern.startsWith("*.") && name.split(".").slice(1).join(".") === pattern.slice(2).toLowerCase();
}
