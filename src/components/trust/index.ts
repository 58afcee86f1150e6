/** Trust: programs on the hypervisor accept the certificates that the site's own CA issues. */

import { type Check, type Component, external, failed, type Io, passed } from "../../component.ts";
import { hintOf, isUnavailable, messageOf } from "../../errors.ts";
import { findRoot } from "../../fabric/ca-files.ts";
import { declared, roleOf } from "../../fabric/declared.ts";
import { idOn, nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { bundleHolds, fingerprintOf, parseChain } from "../../formats/x509/index.ts";
import type { FileState, Host } from "../../hosts/host.ts";
import { type Resource, type ResourceId, subjectOf } from "../../resource.ts";
import { askNodes } from "../nodes.ts";
import { certificateIn, rootResource } from "../resources.ts";
import { commands, paths } from "./commands.ts";
import { impact } from "./impact.ts";

const idOf = (node: SiteNode): ResourceId => idOn(node, "trust/root");

function trustResource(node: SiteNode, state = "trusted", certificate?: string): Resource {
  return rootResource(idOf(node), node.host, state, certificate);
}

/** Programs on each node of a cluster trust what is installed on that node. */
export const trust: Component = {
  name: "trust",
  after: [],

  compile: (site) => nodesOf(site).map((node) => trustResource(node)),

  impact,
  async read(io) {
    const installed = askNodes(io, nodesOf(io.site), (node) => [idOf(node)], readNode);
    const [root, found] = await Promise.all([
      findRoot(declared(io.site, "ca").rootFiles, io.host),
      installed,
    ]);
    return found.flatMap(({ node, files }) => liveOn(node, files, root.pem));
  },

  async apply(change, io) {
    const host = io.host(subjectOf(change).host);
    if (change.verb === "delete") return host.remove([paths.root]);
    const text =
      certificateIn(change.desired) ?? (await findRoot(declared(io.site, "ca").rootFiles, io.host)).pem;
    await host.writeFiles([{ path: paths.root, text, mode: "644" }]);
  },

  async activate(touched, io) {
    const nodes = nodesOf(io.site).filter((node) => touched.includes(idOf(node)));
    await askNodes(io, nodes, (node) => [idOf(node)], activateNode);
  },

  async verify(io) {
    const root = await findRoot(declared(io.site, "ca").rootFiles, io.host);
    const nodes = nodesOf(io.site);
    const stores = await askNodes(
      io,
      nodes,
      (node) => [idOf(node)],
      (node, host) => checkStore(io, node, host),
    );
    return [...stores, await checkHealth(io, root.pem)];
  },
};

type Files = ReadonlyMap<string, FileState>;

async function readNode(node: SiteNode, host: Host): Promise<{ node: SiteNode; files: Files }> {
  return { node, files: await host.readFiles([paths.root, paths.bundle]) };
}

function liveOn(node: SiteNode, files: Files, root: string): readonly Resource[] {
  const installed = files.get(paths.root)?.text;
  if (installed === undefined) return [];
  const isOurs = fingerprintOf(installed) === fingerprintOf(root) && parseChain(installed).length === 1;
  if (!isOurs)
    return [trustResource(node, `another certificate is installed: ${nameOf(installed)}`, installed)];
  const isInBundle = bundleHolds(files.get(paths.bundle)?.text ?? "", root);
  return [isInBundle ? trustResource(node) : trustResource(node, notCollected)];
}

const notCollected = "installed, but not in the system's trust store";

async function activateNode(_node: SiteNode, host: Host): Promise<void> {
  // An existing link means that its certificate was replaced or removed.
  const isKnown = (await host.readFiles([paths.link])).has(paths.link);
  await host.expect(isKnown ? commands.updateFresh : commands.update);
}

function nameOf(pem: string): string {
  const fingerprint = fingerprintOf(pem);
  return fingerprint === undefined ? "it cannot be read" : `SHA-256 ${fingerprint.slice(0, 16)}…`;
}

/** A TLS handshake with the CA that trusts exactly what programs on the node trust: the system's own bundle, read back. */
async function checkStore(io: Io, node: SiteNode, host: Host): Promise<Check> {
  const id = idOf(node);
  const { hostname, port } = declared(io.site, "ca");
  const { address } = roleOf(io.site, "ca");
  const claim = `${nodeTitle(node)}'s trust store accepts "${hostname}" at ${address}:${port}`;
  const bundle = (await host.readFiles([paths.bundle])).get(paths.bundle)?.text ?? "";
  const seen = await io.network.handshake(address, port, { servername: hostname, ca: bundle });
  if (!seen.ok) return external(failed(id, claim, seen.reason, caHint));
  if (seen.trusted) return passed(id, claim);
  return failed(id, claim, seen.reason ?? "its certificate is not trusted", foreignHint);
}

const caHint = "start the CA: `systemctl status step-ca` in its guest says why it does not answer";

const foreignHint =
  "the server at that address presents a certificate that the CA's root did not issue: restart step-ca in its guest, and look for another server at that address";

async function checkHealth(io: Io, root: string): Promise<Check> {
  const id = "trust/root";
  const claim = "the CA reports that it is healthy";
  try {
    await io.apis.stepCa.health(root);
    return passed(id, claim);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return external(failed(id, claim, messageOf(error), hintOf(error) ?? caHint));
  }
}
