/** Images of a stack's services: looked up in their registries, or as they were found before (docker/cli 26.1). Pure. */
import type { YamlObject } from "../compose-values.ts";
import { fullReference, imageId } from "../state.ts";
import { imageLabel } from "./names.ts";

export function imageIn(spec: YamlObject): string {
  const { ContainerSpec = {} } = spec.TaskTemplate as { ContainerSpec?: YamlObject };
  return String(ContainerSpec.Image ?? "");
}

function withImage(spec: YamlObject, Image: string, placement: YamlObject = {}): YamlObject {
  const template = spec.TaskTemplate as { ContainerSpec: YamlObject; Placement?: YamlObject };
  return {
    ...spec,
    TaskTemplate: {
      ...template,
      ContainerSpec: { ...template.ContainerSpec, Image },
      Placement: { ...template.Placement, ...placement },
    },
  };
}

/** The registry's digest is part of the image from then on, and its platform of the placement. */
export function resolved(spec: YamlObject): YamlObject {
  const image = imageIn(spec);
  if (image === "" || image.includes("@")) return spec;
  const Platforms = [{ Architecture: "amd64", OS: "linux" }];
  return withImage(spec, `${fullReference(image)}@${imageId(fullReference(image))}`, { Platforms });
}

/** An image that the file calls as before stays as it was found then; another one gets its tag. */
export function kept(spec: YamlObject, before: YamlObject | undefined): YamlObject {
  const last = before === undefined ? undefined : (before.Spec as YamlObject);
  const called = (last?.Labels as YamlObject | undefined)?.[imageLabel];
  const image = imageIn(spec);
  if (last !== undefined && called === image) return withImage(spec, imageIn(last));
  return image === "" ? spec : withImage(spec, fullReference(image));
}
