/** Looks at the gateway as clients do: which configuration serves, which certificate each name gets, what is turned away. */

import type { Check, Io } from "../../component.ts";
import { messageOf, TransportError } from "../../errors.ts";
import { configurationPath } from "../../formats/nginx/index.ts";
import { serialOf } from "../../formats/x509/index.ts";
import { findRoot } from "../../hosts/ca-files.ts";
import type { HandshakeResult } from "../../hosts/network.ts";
import { gatewayNames } from "../../model.ts";
import { expectedHash, gatewayCertificate } from "./compile.ts";

/** Old workers may answer for up to 300 ms after a reload returned (measured on 1.22.1). */
const reloadMs = 5_000;

/** So many new connections in a row must meet the new configuration: more than the workers of a small guest. */
const answersInARow = 4;

/** Handshakes in flight at once. */
const parallel = 16;

export async function verify(io: Io): Promise<readonly Check[]> {
  const certificate = gatewayCertificate(io.site);
  if (certificate === undefined) return [];
  const [serving, root, files] = await Promise.all([
    checkConfiguration(io),
    findRoot(io.site, io.host),
    io.host("pve").readFiles([certificate.certPath]),
  ]);
  if (serving.status === "fail") return [serving];
  const pem = files.get(certificate.certPath)?.text;
  const serial = pem === undefined ? undefined : serialOf(pem);
  const names = gatewayNames(io.site);
  const checks: Check[] = [serving];
  for (let at = 0; at < names.length; at += parallel) {
    const some = names.slice(at, at + parallel);
    checks.push(...(await Promise.all(some.map((name) => checkName(io, name, root.pem, serial)))));
  }
  const [first] = names;
  const others = [checkUnknown(io), ...(first === undefined ? [] : [checkRedirect(io, first)])];
  return [...checks, ...(await Promise.all(others))];
}

async function checkConfiguration(io: Io): Promise<Check> {
  const { address } = io.site.roles.gateway;
  const claim = `${address} serves the declared configuration`;
  const expected = expectedHash(io.site);
  const deadline = io.clock.now() + reloadMs;
  let seen = "";
  for (let inARow = 0; inARow < answersInARow; ) {
    seen = await servedHash(io, address);
    inARow = seen === expected ? inARow + 1 : 0;
    if (inARow > 0) continue;
    if (io.clock.now() >= deadline) {
      const hint = "`journalctl -u nginx` in the gateway guest says what it did at the last reload";
      return { resource: "nginx/gateway", claim, status: "fail", observed: seen || "another one", hint };
    }
    await io.clock.sleep(50);
  }
  return { resource: "nginx/gateway", claim, status: "pass" };
}

/** The hash that answers, or words about what answered instead. */
async function servedHash(io: Io, address: string): Promise<string> {
  try {
    const url = `http://${address}${configurationPath}`;
    const { status, text } = await io.network.request({
      method: "GET",
      url,
      effect: "read",
      timeoutMs: 3_000,
    });
    return status === 200 ? text.trim() : `it answers ${status} at ${configurationPath}`;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return messageOf(error);
  }
}

async function checkName(io: Io, name: string, root: string, serial: string | undefined): Promise<Check> {
  const claim = `${name} has a valid certificate`;
  const seen = await io.network.handshake(io.site.roles.gateway.address, 443, { servername: name, ca: root });
  const fault = faultOf(seen, serial);
  if (fault === undefined) return { resource: "nginx/gateway", claim, status: "pass" };
  const hint = "`phoenix sync certificates nginx` issues it anew and loads it";
  return { resource: "nginx/gateway", claim, status: "fail", observed: fault, hint };
}

function faultOf(seen: HandshakeResult, serial: string | undefined): string | undefined {
  if (!seen.ok) return seen.reason;
  if (!seen.trusted) return seen.reason ?? "the served chain does not lead to the site's root";
  return serial === undefined || seen.serial === serial
    ? undefined
    : `serial ${seen.serial} is served, ${serial} is on disk`;
}

async function checkUnknown(io: Io): Promise<Check> {
  const servername = `phoenix-probe-no-such-name.${io.site.domain}`;
  const claim = "a name that is not declared is turned away";
  const seen = await io.network.handshake(io.site.roles.gateway.address, 443, { servername });
  return seen.ok
    ? { resource: "nginx/gateway", claim, status: "fail", observed: "it got a certificate" }
    : { resource: "nginx/gateway", claim, status: "pass" };
}

async function checkRedirect(io: Io, name: string): Promise<Check> {
  const claim = `http://${name}/ leads to https`;
  const url = `http://${io.site.roles.gateway.address}/`;
  try {
    const { status, headers } = await io.network.request({
      method: "GET",
      url,
      hostname: name,
      effect: "read",
    });
    if (status === 308 && headers.location === `https://${name}/`)
      return { resource: "nginx/gateway", claim, status: "pass" };
    return { resource: "nginx/gateway", claim, status: "fail", observed: `it answers ${status}` };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { resource: "nginx/gateway", claim, status: "fail", observed: messageOf(error) };
  }
}
