/** Looks at the gateway as clients do: which configuration it serves, the certificate of each name, and what it rejects. */
import pLimit from "p-limit";
import { type Check, failed, type Io, passed } from "../../component.ts";
import { messageOf, TransportError } from "../../errors.ts";
import { findRoot } from "../../fabric/ca-files.ts";
import { declared, roleOf } from "../../fabric/declared.ts";
import { gatewayNames } from "../../fabric/services.ts";
import { configurationPath } from "../../formats/nginx/index.ts";
import { serialOf } from "../../formats/x509/index.ts";
import type { HandshakeResult } from "../../hosts/network.ts";
import { poll } from "../../poll.ts";
import { expectedHash, gatewayCertificate } from "./compile.ts";

const id = "nginx/gateway";

/** Old workers may answer for up to 300 ms after a reload returned (measured on 1.22.1). */
const reloadMs = 5_000;

/** New connections in a row that must get the new configuration: more than a small guest has workers. */
const answersInARow = 4;

/** Handshakes in flight at once. */
const parallel = 16;

export async function verify(io: Io): Promise<readonly Check[]> {
  const certificate = gatewayCertificate(io.site);
  if (certificate === undefined) return [];
  const [serving, root, files] = await Promise.all([
    checkConfiguration(io),
    findRoot(declared(io.site, "ca").rootFiles, io.host),
    io.host("pve").readFiles([certificate.certPath]),
  ]);
  if (serving.status === "fail") return [serving];
  const serial = serialOf(files.get(certificate.certPath)?.text ?? "");
  const names = gatewayNames(io.site);
  const checks = await pLimit(parallel).map(names, (name) => checkName(io, name, root.pem, serial));
  const others = [checkUnknown(io), ...names.slice(0, 1).map((name) => checkRedirect(io, name))];
  return [serving, ...checks, ...(await Promise.all(others))];
}

async function checkConfiguration(io: Io): Promise<Check> {
  const { address } = roleOf(io.site, "gateway");
  const claim = `${address} serves the declared configuration`;
  const expected = expectedHash(io.site);
  const seen = await poll(
    { clock: io.clock, forMs: reloadMs, pauseMs: 50 },
    async () => {
      let seen = "";
      for (let at = 0; at < answersInARow; at += 1) {
        seen = await servedHash(io, address);
        if (seen !== expected) break;
      }
      return seen;
    },
    (seen) => seen === expected,
  );
  if (seen === expected) return passed(id, claim);
  const hint = "`journalctl -u nginx` in the gateway guest shows the result of the last reload";
  return failed(id, claim, seen || "expected its hash, got an empty answer", hint);
}

/** The hash in the answer, or why there is none. */
async function servedHash(io: Io, address: string): Promise<string> {
  try {
    const url = `http://${address}${configurationPath}`;
    const request = { method: "GET", url, effect: "read", timeoutMs: 3_000 } as const;
    const { status, text } = await io.network.request(request);
    return status === 200 ? text.trim() : `expected status 200 at ${configurationPath}, got ${status}`;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return messageOf(error);
  }
}

async function checkName(io: Io, name: string, root: string, serial: string | undefined): Promise<Check> {
  const claim = `"${name}" serves the issued certificate`;
  const seen = await io.network.handshake(roleOf(io.site, "gateway").address, 443, {
    servername: name,
    ca: root,
  });
  const fault = faultOf(seen, serial);
  if (fault === undefined) return passed(id, claim, { name });
  return failed(id, claim, fault, "`phoenix sync certificates nginx` issues a new one and loads it");
}

function faultOf(seen: HandshakeResult, serial: string | undefined): string | undefined {
  if (!seen.ok) return seen.reason;
  if (!seen.trusted) return seen.reason ?? "the served chain does not lead to the site's root";
  if (serial === undefined || seen.serial === serial) return undefined;
  return `expected serial ${serial} as on disk, got ${seen.serial}`;
}

async function checkUnknown(io: Io): Promise<Check> {
  const servername = `phoenix-probe-no-such-name.${io.site.domain}`;
  const claim = "the gateway rejects an undeclared name";
  const seen = await io.network.handshake(roleOf(io.site, "gateway").address, 443, { servername });
  return seen.ok
    ? failed(id, claim, `expected no certificate, got serial ${seen.serial}`)
    : passed(id, claim);
}

async function checkRedirect(io: Io, name: string): Promise<Check> {
  const claim = `http://${name}/ redirects to https`;
  const url = `http://${roleOf(io.site, "gateway").address}/`;
  try {
    const request = { method: "GET", url, hostname: name, effect: "read" } as const;
    const { status, headers } = await io.network.request(request);
    const [expected, seen] = [`308 https://${name}/`, `${status} ${headers.location ?? ""}`.trim()];
    return seen === expected ? passed(id, claim) : failed(id, claim, `expected ${expected}, got ${seen}`);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return failed(id, claim, messageOf(error));
  }
}
