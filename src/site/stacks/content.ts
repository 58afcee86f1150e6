/** What a stack brings along: variables, files, labels and the places of its volumes. */
import type { Compose } from "../../formats/compose/index.ts";
import { interpolate } from "../../formats/compose/interpolation.ts";
import { nearest } from "../../formats/text/nearest.ts";
import type { StackFile, StackLabel, StackVariable, StackVolume } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { isSensitiveName, type SecretReader } from "../secrets/index.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";

interface ReadVariables {
  readonly variables: readonly StackVariable[];
  /** Names of variables whose secrets could not be had. */
  readonly unread: readonly string[];
}

/** From a list of {name, value} or an object of names and values. */
export async function readVariables(
  cell: Cell | undefined,
  secrets: SecretReader,
  problems: Problems,
): Promise<ReadVariables> {
  if (cell === undefined) return { variables: [], unread: [] };
  const written: (readonly [name: string, value: Cell, from: SourceRef])[] = cell.isObject
    ? cell.entries().map(([name, value]) => [name, value, value.keyRef])
    : cell.items.flatMap((item) => {
        const [name, value] = [item.get("name"), item.get("value")];
        return name?.text === undefined || value === undefined ? [] : [[name.text, value, name.ref] as const];
      });
  const seen = new Map<string, SourceRef>();
  const variables: StackVariable[] = [];
  const unread: string[] = [];
  for (const [name, value, from] of written) {
    const before = seen.get(name);
    seen.set(name, from);
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      problems.report("PHX0406", from, `${JSON.stringify(name)} is no name for a variable`, {
        hint: "letters, digits and underscores, and no digit first",
      });
    } else if (before !== undefined) {
      problems.report("PHX0406", from, `the variable ${name} is there twice`, { related: [before] });
    } else {
      const isSensitive = isSensitiveName(name);
      const secret = await secrets.read(value, isSensitive);
      if (secret === undefined) unread.push(name);
      else variables.push({ name, value: secret.value, sensitive: isSensitive || secret.isReference, from });
    }
  }
  return { variables, unread };
}

/** Files lie in the stack's directory, or below the site's root; nowhere else. */
export async function readFiles(
  cell: Cell | undefined,
  directory: string,
  files: SiteFiles,
  problems: Problems,
): Promise<readonly StackFile[]> {
  const read: StackFile[] = [];
  const seen = new Map<string, SourceRef>();
  for (const item of cell?.items ?? []) {
    const source = item.get("source");
    const target = item.get("destination_in_container");
    if (source?.text === undefined || target?.text === undefined) continue;
    if (!/^\/(?!.*(?:^|\/)\.\.(?:\/|$)).*[^/]$/.test(target.text)) {
      problems.report(
        "PHX0407",
        target.ref,
        `${JSON.stringify(target.text)} is not an absolute path of a file`,
      );
      continue;
    }
    const before = seen.get(target.text);
    if (before !== undefined)
      problems.report("PHX0407", target.ref, `two files go to ${target.text}`, { related: [before] });
    seen.set(target.text, target.ref);
    const own = `${directory}/${source.text}`;
    const name = await files.within((await files.exists(own)) ? own : source.text);
    if (name === undefined) {
      problems.report("PHX0407", source.ref, `${source.text} lies outside of the site`, {
        hint: "files of a stack belong in its directory",
      });
      continue;
    }
    const file = await files.read(name, source.ref);
    if (file === undefined) continue;
    // It may hold passwords: no excerpt of it is ever shown.
    files.sources.delete(name);
    read.push({ content: new Secret(file.text), source: name, destination: target.text, from: item.ref });
  }
  return read;
}

/** Labels to add, by compose service: from "key=value" or an object. */
export function readLabels(
  cell: Cell | undefined,
  compose: Compose,
  stack: string,
  problems: Problems,
): Readonly<Record<string, readonly StackLabel[]>> {
  const names = compose.services.map(({ name }) => name);
  const labels: [string, readonly StackLabel[]][] = [];
  for (const [service, settings] of cell?.entries() ?? []) {
    if (!names.includes(service)) {
      const near = nearest(service, names);
      problems.report(
        "PHX0408",
        settings.keyRef,
        `the compose file of ${stack} has no service ${JSON.stringify(service)}`,
        {
          hint: near === undefined ? `it has ${names.join(", ")}` : `did you mean ${JSON.stringify(near)}?`,
        },
      );
      continue;
    }
    const written = settings.get("traefik_labels");
    if (written !== undefined) labels.push([service, labelsOf(written, problems)]);
  }
  return Object.fromEntries(labels);
}

function labelsOf(written: Cell, problems: Problems): readonly StackLabel[] {
  if (written.isObject)
    return written.entries().map(([key, value]) => ({
      key,
      value: value.literal ?? "",
      from: value.ref,
    }));
  const labels = new Map<string, StackLabel>();
  for (const item of written.items) {
    const text = item.text;
    if (text === undefined) continue;
    const at = text.indexOf("=");
    const key = (at < 0 ? text : text.slice(0, at)).trim();
    if (at < 0 || key === "") {
      problems.report("PHX0410", item.ref, `${JSON.stringify(text)} is no label`, {
        hint: 'write it as "key=value"',
      });
      continue;
    }
    const label = { key, value: text.slice(at + 1).trim(), from: item.ref };
    const before = labels.get(key);
    if (before !== undefined && before.value !== label.value)
      problems.report("PHX0410", item.ref, `the label ${key} has two values`, { related: [before.from] });
    labels.set(key, before ?? label);
  }
  return [...labels.values()];
}

/**
 * Labels with the variables in them filled in, as Compose will do it; what Compose would not fill in is reported, with
 * `clean` taking secrets out of its words.
 */
export function filledIn(
  labels: Readonly<Record<string, readonly StackLabel[]>>,
  values: ReadonlyMap<string, string>,
  clean: (text: string) => string,
  problems: Problems,
): Readonly<Record<string, readonly StackLabel[]>> {
  const variables = Object.fromEntries(values);
  const fill = (label: StackLabel): StackLabel => {
    try {
      const { text, unset } = interpolate(label.value, variables);
      for (const name of new Set(unset))
        problems.report("PHX0410", label.from, `the label's variable ${name} has no value`, {
          hint: `give it one under "variables", or a default: \${${name}:-…}; a dollar sign by itself is written $$`,
        });
      return unset.length > 0 ? label : { ...label, value: text };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      problems.report("PHX0410", label.from, clean(`Compose would refuse the label ${label.key}: ${words}`), {
        hint: words.startsWith("required variable ")
          ? 'give it one under "variables"'
          : "a dollar sign by itself is written $$",
      });
      return label;
    }
  };
  return Object.fromEntries(Object.entries(labels).map(([service, all]) => [service, all.map(fill)]));
}

/**
 * External volumes of the compose file, each in a directory of its own below the share: the one that `volumes` names, or
 * `volumes/NAME`.
 */
export function readVolumes(
  cell: Cell | undefined,
  compose: Compose,
  problems: Problems,
): readonly StackVolume[] {
  const external = compose.volumes.filter((volume) => volume.external);
  const known = new Set(external.flatMap(({ key, name }) => [key, name]));
  for (const [key, value] of cell?.entries() ?? []) {
    if (!known.has(key))
      problems.report(
        "PHX0416",
        value.keyRef,
        `the compose file has no external volume ${JSON.stringify(key)}`,
      );
    if (value.text !== undefined && !isBelow(value.text))
      problems.report(
        "PHX0416",
        value.ref,
        `${JSON.stringify(value.text)} is not a directory below the share`,
      );
  }
  return external.map(({ key, name }) => {
    const declared = (cell?.get(key) ?? cell?.get(name))?.text;
    return { name, directory: declared !== undefined && isBelow(declared) ? declared : `volumes/${name}` };
  });
}

function isBelow(path: string): boolean {
  return /^[^/\p{Cc}]/u.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part));
}
