/** What follows: units and generated lines as effects. */
import { defined } from "../defined.ts";
import type { Explained, GeneratedText, Reason } from "../origin.ts";
import type { Resource } from "../resource.ts";
import type { Effect } from "./answer.ts";
import type { Causes } from "./context.ts";

/**
 * The effects whose reasons are asked for: the units of each resource. With `whole`, also resources that are there for a reason that is
 * asked for, although not all of their units are.
 */
export function effectsOf(
  explained: readonly Explained[],
  causes: Causes,
  isAsked: (reason: Reason, unit: string) => boolean,
  { whole }: { readonly whole: boolean } = { whole: false },
): readonly Effect[] {
  return explained.flatMap(({ resource, units, why }) => {
    const found = [...units].filter(([unit, reason]) => isAsked(reason, unit));
    const effects = found.map(([unit, reason]) =>
      unitEffect(resource, unit, reason === why ? { ...reason, note: "" } : reason, causes),
    );
    if (!whole || found.length === units.size || !isAsked(why, "")) return effects;
    return [effect(resource, "the whole resource", why, causes), ...effects];
  });
}

function unitEffect(resource: Resource, unit: string, reason: Reason, causes: Causes): Effect {
  const value = resource.units[unit] ?? "";
  const isSecret =
    resource.sensitive === true || resource.secrets?.[unit] !== undefined || /^fingerprint /.test(value);
  return effect(resource, isSecret ? `${unit} (secret)` : `${unit} ${value}`.trim(), reason, causes);
}

function effect(
  { id, host }: Resource,
  shows: string,
  { origins, note }: Reason,
  causes: Causes,
  line?: string,
): Effect {
  const numbers = causes.add(origins);
  return {
    resource: id,
    host,
    shows,
    causes: numbers,
    ...defined({ note: note === "" ? undefined : note, line }),
  };
}

/** The effects of generated lines that are asked for; those of units are told as such. */
export function lineEffects(
  explained: readonly Explained[],
  causes: Causes,
  isAsked: (reason: Reason) => boolean,
): readonly Effect[] {
  const units = new Map(explained.map(({ resource, units }) => [resource.id, units]));
  return explained.flatMap(({ resource, texts, why }) =>
    texts.flatMap((text) => {
      if (text.path === undefined || !text.lines.some(isAsked)) return [];
      const written = text.text.split("\n");
      return text.lines.flatMap((reason, at) => {
        // What every such file has is told by the resource as a whole.
        if (!isAsked(reason) || reason.origins === why.origins) return [];
        const id = reason.resource ?? resource.id;
        const unit = reason.unit === undefined ? undefined : units.get(id)?.get(reason.unit);
        if (unit !== undefined && isAsked(unit)) return [];
        const shows = text.sensitive === true ? "" : (written[at]?.trim() ?? "");
        return [effect({ ...resource, id }, shows, reason, causes, `${placeOf(text)}:${at + 1}`)];
      });
    }),
  );
}

/** "pve:/etc/pve/firewall/cluster.fw"; of an object behind an API, nothing. */
export function placeOf({ host, path }: Pick<GeneratedText, "host" | "path">): string {
  return `${host}:${path ?? ""}`;
}
