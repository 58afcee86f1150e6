/** Images as one archive for `docker load`, without a registry: layers that images share are in it once. Pure. */
import { createHash } from "node:crypto";
import type { Image, LayerName } from "./images.ts";

/** SHA-256 of each layer's tar, hexadecimal. */
export type Digests = Readonly<Record<LayerName, string>>;

/** The archive's files beside the layers (node.tar, service.tar …): a configuration for each image, and the manifest. */
export function archiveFiles(
  images: readonly Image[],
  digests: Digests,
): readonly (readonly [name: string, text: string])[] {
  const configs = images.map((image) => {
    const text = JSON.stringify(configOf(image, digests));
    return [`${createHash("sha256").update(text).digest("hex")}.json`, text] as const;
  });
  const manifest = images.map(({ name, layers }, at) => ({
    Config: configs[at]?.[0],
    RepoTags: [name],
    Layers: layers.map((layer) => `${layer}.tar`),
  }));
  return [...new Map(configs), ["manifest.json", JSON.stringify(manifest)]];
}

/** The same recipe is the same image, whenever it is made. */
const created = "2020-01-01T00:00:00Z";

/** An image's configuration (OCI image specification 1.1). */
function configOf({ layers, env, entrypoint, command, exposed }: Image, digests: Digests) {
  return {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    created,
    config: {
      Env: env,
      WorkingDir: "/",
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      ...(command === undefined ? {} : { Cmd: command }),
      ...(exposed.length === 0
        ? {}
        : { ExposedPorts: Object.fromEntries(exposed.map((port) => [`${port}/tcp`, {}])) }),
    },
    rootfs: { type: "layers", diff_ids: layers.map((name) => `sha256:${digests[name]}`) },
    history: layers.map((name) => ({ created, created_by: `phoenix testbed: ${name}` })),
  };
}
