/** Trust: programs on the hypervisor accept the certificates that the site's own CA issues. */

import { type Check, type Component, external, failed, type Io, passed } from "../../component.ts";
import { hintOf, isUnavailable, messageOf } from "../../errors.ts";
import { findRoot } from "../../fabric/ca-files.ts";
import { declared, roleOf } from "../../fabric/declared.ts";
import { bundleHolds, fingerprintOf, parseChain } from "../../formats/x509/index.ts";
import type { Resource } from "../../resource.ts";
import { certificateIn, rootResource } from "../resources.ts";
import { commands, paths } from "./commands.ts";
import { impact } from "./impact.ts";

const id = "trust/root";

const trustResource = (state: string, certificate?: string): Resource =>
  rootResource(id, "pve", state, certificate);

const trusted = trustResource("trusted");

export const trust: Component = {
  name: "trust",
  after: [],

  compile: () => [trusted],

  impact,
  async read(io) {
    const [root, files] = await Promise.all([
      findRoot(declared(io.site, "ca").rootFiles, io.host),
      io.host("pve").readFiles([paths.root, paths.bundle]),
    ]);
    const installed = files.get(paths.root)?.text;
    if (installed === undefined) return [];
    const isOurs = fingerprintOf(installed) === fingerprintOf(root.pem) && parseChain(installed).length === 1;
    if (!isOurs) return [trustResource(`another certificate is installed: ${nameOf(installed)}`, installed)];
    const isInBundle = bundleHolds(files.get(paths.bundle)?.text ?? "", root.pem);
    return [
      isInBundle ? trusted : trustResource("installed, but not in the system's trust store", installed),
    ];
  },

  async apply(change, io) {
    const host = io.host("pve");
    if (change.verb === "delete") return host.remove([paths.root]);
    const text =
      certificateIn(change.desired) ?? (await findRoot(declared(io.site, "ca").rootFiles, io.host)).pem;
    await host.writeFiles([{ path: paths.root, text, mode: "644" }]);
  },

  async activate(_touched, io) {
    const host = io.host("pve");
    // An existing link means that its certificate was replaced or removed.
    const isKnown = (await host.readFiles([paths.link])).has(paths.link);
    await host.expect(isKnown ? commands.updateFresh : commands.update);
  },

  async verify(io) {
    const root = await findRoot(declared(io.site, "ca").rootFiles, io.host);
    return [await checkStore(io), await checkHealth(io, root.pem)];
  },
};

function nameOf(pem: string): string {
  const fingerprint = fingerprintOf(pem);
  return fingerprint === undefined ? "it cannot be read" : `SHA-256 ${fingerprint.slice(0, 16)}…`;
}

/** A TLS handshake with the CA that trusts exactly what programs on the hypervisor trust: the system's own bundle, read back. */
async function checkStore(io: Io): Promise<Check> {
  const { hostname, port } = declared(io.site, "ca");
  const { address } = roleOf(io.site, "ca");
  const claim = `the hypervisor's trust store accepts "${hostname}" at ${address}:${port}`;
  const bundle = (await io.host("pve").readFiles([paths.bundle])).get(paths.bundle)?.text ?? "";
  const seen = await io.network.handshake(address, port, { servername: hostname, ca: bundle });
  if (!seen.ok) return external(failed(id, claim, seen.reason, caHint));
  if (seen.trusted) return passed(id, claim);
  return failed(id, claim, seen.reason ?? "its certificate is not trusted", foreignHint);
}

const caHint = "start the CA: `systemctl status step-ca` in its guest says why it does not answer";

const foreignHint =
  "the server at that address presents a certificate that the CA's root did not issue: restart step-ca in its guest, and look for another server at that address";

async function checkHealth(io: Io, root: string): Promise<Check> {
  const claim = "the CA reports that it is healthy";
  try {
    await io.apis.stepCa.health(root);
    return passed(id, claim);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return external(failed(id, claim, messageOf(error), hintOf(error) ?? caHint));
  }
}
