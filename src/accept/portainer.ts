/** Settings of Portainer that were changed in its interface, where the site declares them. Pure. */
import type { Site } from "../model.ts";
import { type Change, diffUnits } from "../resource.ts";
import type { SiteDraft } from "./draft.ts";
import { notAcceptable } from "./refusal.ts";

const registryKeys: Readonly<Record<string, string>> = { url: "url", user: "username" };

export function acceptPortainer(
  change: Extract<Change, { verb: "update" }>,
  site: Site,
  draft: SiteDraft,
): void {
  const { id } = change.desired;
  const registry = site.portainer?.registries.find(({ name }) => id === `portainer/registry-${name}`);
  const path = registry && draft.pathTo(registry.from);
  if (registry === undefined || path === undefined)
    throw notAcceptable(id, "it follows from the virtual machines and the Compose file of the server");
  const { file } = registry.from;
  const entry = draft.node(file, path)?.kind === "object" ? path : path.slice(0, -1);
  for (const unit of diffUnits(change)) {
    const key = registryKeys[unit.unit];
    if (key === undefined)
      throw notAcceptable(id, `its ${unit.unit} is a secret, which is never written in clear`);
    if ("before" in unit) draft.edit(file, { kind: "set", path: [...entry, key], value: unit.before });
  }
}
