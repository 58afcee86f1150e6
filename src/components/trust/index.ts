/** Trust: programs on the hypervisor accept certificates that the site's own CA issued. */

import type { Check, Component, Io } from "../../component.ts";
import { ApiError, hintOf, messageOf, NotReadyError, TransportError } from "../../errors.ts";
import { bundleHolds, fingerprintOf, parseChain } from "../../formats/x509/index.ts";
import { findRoot } from "../../hosts/ca-files.ts";
import { canonicalJson, type Resource } from "../../resource.ts";
import { commands, paths } from "./commands.ts";

const id = "trust/root";

/** Which root it is shows on the CA only, so what is declared is the state: the root that the CA has is the trusted one. */
const trusted = trustResource("trusted");

export const trust: Component = {
  name: "trust",
  after: [],

  compile: () => [trusted],

  async read(io) {
    const [root, files] = await Promise.all([
      findRoot(io.site, io.host),
      io.host("pve").readFiles([paths.root, paths.bundle]),
    ]);
    const installed = files.get(paths.root)?.text;
    if (installed === undefined) return [];
    const isOurs = fingerprintOf(installed) === fingerprintOf(root.pem) && parseChain(installed).length === 1;
    if (!isOurs) return [trustResource(`another certificate is installed: ${nameOf(installed)}`, installed)];
    const gathered = bundleHolds(files.get(paths.bundle)?.text ?? "", root.pem);
    return [gathered ? trusted : trustResource("installed, but not in the system's store", installed)];
  },

  async apply(change, io) {
    const host = io.host("pve");
    if (change.verb === "delete") return host.remove([paths.root]);
    const text = certificateOf(change.desired) ?? (await findRoot(io.site, io.host)).pem;
    await host.writeFiles([{ path: paths.root, text, mode: "644" }]);
  },

  async activate(_touched, io) {
    const host = io.host("pve");
    // Where a link is already there, its certificate was replaced or removed.
    const known = (await host.readFiles([paths.link])).has(paths.link);
    await host.expect(known ? commands.updateFresh : commands.update);
  },

  async verify(io) {
    const root = await findRoot(io.site, io.host);
    return [await checkStore(io), await checkHealth(io, root.pem)];
  },
};

/**
 * @param certificate the PEM text in place, when it is not what is declared: so that it can be put back. It is public.
 */
function trustResource(state: string, certificate?: string): Resource {
  return {
    id,
    host: "pve",
    text: canonicalJson({ state, certificate }),
    units: { "the CA's root": state },
  };
}

/** The certificate that a resource's text holds. */
function certificateOf(resource: Resource): string | undefined {
  const { certificate } = JSON.parse(resource.text) as { certificate?: string };
  return certificate;
}

function nameOf(pem: string): string {
  const fingerprint = fingerprintOf(pem);
  return fingerprint === undefined ? "no readable one" : `SHA-256 ${fingerprint.slice(0, 16)}…`;
}

/** A handshake with the CA that trusts exactly what programs on the hypervisor trust: the system's own bundle, read back. */
async function checkStore(io: Io): Promise<Check> {
  const { hostname, port } = io.site.ca;
  const { address } = io.site.roles.ca;
  const claim = `the hypervisor's trust store accepts ${hostname} at ${address}:${port}`;
  const bundle = (await io.host("pve").readFiles([paths.bundle])).get(paths.bundle)?.text ?? "";
  const seen = await io.network.handshake(address, port, { servername: hostname, ca: bundle });
  if (seen.ok && seen.trusted) return { resource: id, claim, status: "pass" };
  if (!seen.ok)
    return { resource: id, claim, status: "fail", observed: seen.reason, hint: caHint, external: true };
  return {
    resource: id,
    claim,
    status: "fail",
    observed: seen.reason ?? "it is not trusted",
    hint: "whoever answers there shows a certificate that the CA's root did not issue; restart step-ca in its guest, and look for another server at that address",
  };
}

const caHint = "start the CA: `systemctl status step-ca` in its guest says why it does not answer";

async function checkHealth(io: Io, root: string): Promise<Check> {
  const claim = "the CA says that it is healthy";
  try {
    await io.apis.stepCa.health(root);
    return { resource: id, claim, status: "pass" };
  } catch (error) {
    if (!(error instanceof TransportError || error instanceof ApiError || error instanceof NotReadyError))
      throw error;
    const observed = messageOf(error);
    return { resource: id, claim, status: "fail", observed, hint: hintOf(error) ?? caHint, external: true };
  }
}
