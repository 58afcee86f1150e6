/** Makes every machine's files for a site. Arguments: the site, or a file with a fabric; the testbed's directory; perhaps a file with a cluster. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabContext } from "../../lab/context.ts";
import { initCa } from "../../lab/step-ca/init.ts";
import { furnishCertificates } from "./certificates.ts";
import { nodesOf, readFabric } from "./fabric.ts";
import { furnishClient, furnishGuest } from "./guest.ts";
import { furnishHypervisors } from "./hypervisor.ts";
import { machineOf, openLayers } from "./layers.ts";

const [site = "", run = "", cluster] = process.argv.slice(2);
const fabric = await readFabric(site, cluster).catch((error: Error) => {
  process.stderr.write(`Error: ${error.message}\n`);
  process.exit(1);
});
const layers = openLayers(run, fabric);
// Units of docker/machine that are to run, one a line.
const dockerUnits = readFileSync(join(run, "docker-units"), "utf8")
  .split("\n")
  .filter((line) => line !== "");

for (const guest of fabric.guests) furnishGuest(layers, guest, dockerUnits);
furnishHypervisors(layers, run);

const { ca } = fabric.roles;
const address = fabric.guests.find(({ host }) => host === ca)?.address ?? "";
// The lab's way of initialising a CA needs to know where files are, what time it is, and the lab's facts; nothing else.
const context = {
  path: (host: string, path: string) => layers.path(machineOf(host), path),
  clock: { now: Date.now },
  store: { read: () => fabric, write: () => undefined },
};
const { rootPem, shared } = await initCa(context as unknown as LabContext, ca, {
  ...fabric.ca,
  address,
  domain: fabric.domain,
});
for (const path of shared) layers.give(machineOf(ca), path);
furnishClient(layers, rootPem);
await furnishCertificates(layers);
const nodes = nodesOf(fabric).map(({ name }) => name);
for (const machine of [...nodes, "client", ...fabric.guests.map(({ host }) => machineOf(host))])
  layers.settle(machine);
layers.describe("pve", "fabric.json", [JSON.stringify(fabric, null, 2)]);
