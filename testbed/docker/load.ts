/**
 * Gives a machine's Docker the images that its site needs, and those of the testbed's own tests.
 * Usage: load.mjs LAYERS_DIRECTORY IMAGES_FILE, where the file holds WantedImage[] as JSON and may be missing.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveFiles, type Digests } from "./archive.ts";
import { imagesOf, type WantedImage } from "./images.ts";

const [, , layers = "", list = ""] = process.argv;

const ofTests: readonly WantedImage[] = [
  "portainer/portainer-ce:2.23.0",
  "portainer/portainer-ce:2.44.0",
  "portainer/agent:2.23.0",
  "alpine:3",
].map((name) => ({ name, ports: [] }));

const wanted: readonly WantedImage[] = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
const images = imagesOf([...wanted, ...ofTests]);
const digests: Digests = JSON.parse(readFileSync(join(layers, "layers.json"), "utf8"));
const work = mkdtempSync("/var/tmp/images-");
try {
  const files = archiveFiles(images, digests);
  for (const [name, text] of files) writeFileSync(join(work, name), text);
  const used = [...new Set(images.flatMap((image) => image.layers))].map((name) => `${name}.tar`);
  // The archive goes from one program into the other: the layers are on the disk already.
  const script = 'work=$1 layers=$2; shift 2; tar -c -C "$work" . -C "$layers" "$@" | docker load --quiet';
  const { status } = spawnSync("sh", ["-euc", script, "sh", work, layers, ...used], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  rmSync(work, { recursive: true });
}
