/** Debian packages, with nothing but dpkg-deb. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Executable } from "./executable.ts";
import { type Program, programEntries } from "./program.ts";
import type { Release } from "./release.ts";
import { completionEntries, documentEntries, gzipped, manEntries, unitEntries } from "./share.ts";
import { below, type Entry, writeTree } from "./tree.ts";

/** The package that runs on the host's Node, and the one that brings its own. Each takes the place of the other. */
export const debNames = { small: "phoenix-hypervisor", standalone: "phoenix-hypervisor-standalone" } as const;

interface Deb {
  readonly name: string;
  readonly architecture: string;
  /** Lines of its control file that are its own. */
  readonly relations: readonly string[];
  /** The first line is the synopsis. */
  readonly description: readonly string[];
  readonly licences: string;
  readonly triggers?: string;
  readonly bill: string;
  readonly entries: readonly Entry[];
}

const maintainer = `${process.env.DEBFULLNAME ?? "The Phoenix maintainers"} <${process.env.DEBEMAIL ?? "maintainers@phoenix.invalid"}>`;

export async function smallDeb(release: Release, program: Program, bill: string): Promise<Deb> {
  return {
    name: debNames.small,
    architecture: "all",
    relations: [
      "Depends: nodejs (>= 20.19)",
      `Conflicts: ${debNames.standalone}`,
      `Replaces: ${debNames.standalone}`,
    ],
    description: [
      "brings a Proxmox VE host's services to what is declared",
      "It runs on the host's own Node.js: Proxmox VE 9, Debian 13.",
    ],
    licences: program.licences,
    triggers: "interest-noawait /usr/bin/node\n",
    bill,
    entries: [
      ...below("usr/lib/phoenix", await programEntries(release, program, "/usr/bin/node")),
      { path: "usr/lib/phoenix/code-cache.cjs", from: join(release.root, "script/code-cache.cjs") },
      { path: "usr/bin/phoenix", link: "../lib/phoenix/bin/phoenix" },
    ],
  };
}

export function standaloneDeb(program: Program, executable: Executable, bill: string): Deb {
  return {
    name: debNames.standalone,
    architecture: "amd64",
    // What the versions of its symbols ask for: GLIBC_2.28, GLIBCXX_3.4.21.
    relations: [
      "Depends: libc6 (>= 2.28), libstdc++6 (>= 5.2), libgcc-s1 | libgcc1, libatomic1",
      `Provides: ${debNames.small}`,
      `Conflicts: ${debNames.small}`,
      `Replaces: ${debNames.small}`,
    ],
    description: [
      "brings a Proxmox VE host's services to what is declared",
      "A single executable that needs no Node.js: Proxmox VE 8, Debian 12 and",
      "whatever else has the C library 2.28 or newer.",
    ],
    licences: `${program.licences}\n${"-".repeat(80)}\n\nNode.js ${executable.node.version}\n\n${executable.licence}`,
    bill,
    entries: [{ path: "usr/bin/phoenix", from: executable.path, mode: 0o755 }],
  };
}

/** Builds it into `out`, from a tree below `work`. */
export async function buildDeb(release: Release, deb: Deb, work: string, out: string): Promise<void> {
  const tree = join(work, deb.name);
  const entries = [...deb.entries, ...(await commonEntries(release, deb))];
  await mkdir(tree);
  await writeTree(
    tree,
    [...entries, ...below("DEBIAN", controlEntries(release, deb, entries))],
    release.time,
  );
  const file = `${deb.name}_${release.debianVersion}_${deb.architecture}.deb`;
  // The default compresses best. Debian 12 and newer read the others too, which the tests use to be fast.
  const compression = process.env.PHOENIX_DEB_COMPRESSION ?? "xz";
  execFileSync("dpkg-deb", ["--build", "--root-owner-group", `-Z${compression}`, tree, join(out, file)], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(release.time) },
  });
}

/** What Debian wants of every package is in its own directory of /usr/share/doc; the rest is in "phoenix", the same for both. */
async function commonEntries(release: Release, deb: Deb): Promise<readonly Entry[]> {
  const own = [
    { path: "copyright", text: copyright(release, deb) },
    gzipped({ path: "changelog.Debian", text: debianChangelog(release, deb) }),
    gzipped({ path: "changelog", from: join(release.root, "CHANGELOG.md") }),
  ];
  return [
    { path: "usr/bin/phoenix-cli", link: "phoenix" },
    ...below("usr/share", completionEntries),
    ...below("usr/share/man", (await manEntries(release)).map(gzipped)),
    ...below("usr/lib/systemd/system", unitEntries(release)),
    ...below("usr/share/doc/phoenix", await documentEntries(release)),
    { path: "usr/share/doc/phoenix/sbom.cdx.json", text: deb.bill },
    ...below(`usr/share/doc/${deb.name}`, own),
  ];
}

function controlEntries(release: Release, deb: Deb, entries: readonly Entry[]): readonly Entry[] {
  const files = entries.filter((entry) => !("link" in entry));
  const kilobytes = files.reduce((sum, entry) => sum + Math.ceil(sizeOf(entry) / 1024), entries.length);
  const [synopsis, ...more] = deb.description;
  const control = [
    `Package: ${deb.name}`,
    `Version: ${release.debianVersion}`,
    `Architecture: ${deb.architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${kilobytes}`,
    ...deb.relations,
    "Section: admin",
    "Priority: optional",
    `Description: ${synopsis}`,
    " Trust in the internal CA, DNS, firewall, certificates, Portainer, Traefik,",
    " Nginx and Docker stacks from one list of services: it plans, changes only",
    " what differs, proves each change from outside and rolls back what fails.",
    " .",
    ...more.map((line) => ` ${line}`),
  ];
  const sums = files.map(
    (entry) => `${createHash("md5").update(bytesOf(entry)).digest("hex")}  ${entry.path}`,
  );
  const scripts = ["postinst", "prerm", "postrm"].map((name) => ({
    path: name,
    from: join(release.root, "script/packaging/debian", name),
    mode: 0o755,
  }));
  return [
    { path: "control", text: `${control.join("\n")}\n` },
    { path: "md5sums", text: `${sums.sort().join("\n")}\n` },
    ...(deb.triggers === undefined ? [] : [{ path: "triggers", text: deb.triggers }]),
    ...scripts,
  ];
}

function bytesOf(entry: Entry): string | Uint8Array {
  return "text" in entry ? entry.text : "from" in entry ? readFileSync(entry.from) : "";
}

function sizeOf(entry: Entry): number {
  return "from" in entry ? statSync(entry.from).size : Buffer.byteLength(bytesOf(entry));
}

function copyright({ date }: Release, { licences }: Deb): string {
  return `Phoenix

Copyright: ${date.slice(0, 4)} The Phoenix maintainers
License: Apache-2.0

On Debian systems the text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.

${"-".repeat(80)}

The program contains these packages.

${"-".repeat(80)}

${licences}`;
}

function debianChangelog({ debianVersion, version, time }: Release, { name }: Deb): string {
  const date = new Date(time * 1000).toUTCString().replace("GMT", "+0000");
  return `${name} (${debianVersion}) unstable; urgency=medium

  * Version ${version}: changelog.gz lists what is new.

 -- ${maintainer}  ${date}
`;
}
