/** A stack's own settings: variables, files, labels and the directories of its volumes. */
import { defined } from "../../defined.ts";
import type { Compose } from "../../formats/compose/index.ts";
import { filledValue } from "../../formats/compose/interpolation.ts";
import type { FaultAt } from "../../formats/fault.ts";
import { didYouMean } from "../../formats/text/nearest.ts";
import type { StackFile, StackLabel, StackVariable, StackVolume } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import { looksSecret } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import type { SiteFiles } from "../text/source-file.ts";

/** Variables of the environment that Portainer's server runs in (2.19 to 2.45); Docker Compose gets them before a stack's. */
const portainersOwn = ["HOME", "HOSTNAME", "LANG", "PATH", "PWD"];

interface ReadVariables {
  readonly variables: readonly StackVariable[];
  /** Names of variables whose secrets could not be read. */
  readonly unread: readonly string[];
}

/** Reads variables from a list of {name, value} or an object of names and values. */
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
  const seen = new Claims<SourceRef>();
  const variables: StackVariable[] = [];
  const unread: string[] = [];
  for (const [name, value, from] of written) {
    const before = seen.take(name, from);
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      problems.report("PHX0406", from, `${JSON.stringify(name)} is not a valid variable name`, {
        hint: "use letters, digits and underscores, with no digit first",
      });
    } else if (before !== undefined) {
      problems.report("PHX0406", from, `variable ${name} is declared twice`, { related: [before] });
    } else {
      if (portainersOwn.includes(name))
        problems.report("PHX0421", from, `variable ${name} has Portainer's own value in Compose files`, {
          hint: `give it another name, for example STACK_${name}`,
        });
      const isSensitive = isSensitiveName(name) || looksSecret(value.literal ?? "");
      const secret = await secrets.read(value, isSensitive);
      if (secret === undefined) unread.push(name);
      else variables.push({ name, value: secret.value, sensitive: isSensitive || secret.isReference, from });
    }
  }
  return { variables, unread };
}

/** Reads the files that containers mount. They must be in the stack's directory, or below the site's root. */
export async function readFiles(
  cell: Cell | undefined,
  directory: string,
  files: SiteFiles,
  problems: Problems,
): Promise<readonly StackFile[]> {
  const read: StackFile[] = [];
  const seen = new Claims<SourceRef>();
  for (const item of cell?.items ?? []) {
    const source = item.get("source");
    const target = item.get("destination_in_container");
    if (source?.text === undefined || !isDestination(target, seen, problems)) continue;
    const own = `${directory}/${source.text}`;
    const name = await files.within((await files.exists(own)) ? own : source.text);
    if (name === undefined) {
      problems.report("PHX0407", source, `${source.text} is outside of the site`, {
        hint: "put files of a stack into its directory",
      });
      continue;
    }
    const file = await files.read(name, source.ref);
    if (file === undefined) continue;
    // It may hold passwords: no excerpt of it is ever shown.
    files.concealWhole(name);
    read.push({
      content: new Secret(file.text),
      source: name,
      destination: target?.text ?? "",
      from: item.ref,
    });
  }
  return read;
}

/** Whether a file can be mounted there; a file without a destination is mounted by the Compose file itself, if at all. */
function isDestination(target: Cell | undefined, seen: Claims<SourceRef>, problems: Problems): boolean {
  if (target?.text === undefined) return true;
  if (!/^\/(?!.*(?:^|\/)\.\.(?:\/|$)).*[^/]$/.test(target.text)) {
    problems.report("PHX0407", target, `${JSON.stringify(target.text)} is not an absolute path of a file`);
    return false;
  }
  const before = seen.take(target.text, target.ref);
  const message = `two files have the destination ${target.text}`;
  if (before !== undefined) problems.report("PHX0407", target, message, { related: [before] });
  return true;
}

/** Reads the labels to add, by service: from "key=value" or an object. */
export function readLabels(
  cell: Cell | undefined,
  compose: Compose,
  stack: string,
  problems: Problems,
): Labels {
  const names = compose.services.map(({ name }) => name);
  const labels: [string, readonly StackLabel[]][] = [];
  for (const [service, settings] of cell?.entries() ?? []) {
    if (!names.includes(service)) {
      const message = `unknown service ${JSON.stringify(service)}: it is not in the Compose file of ${stack}`;
      const hint = didYouMean(service, names) ?? `it has ${names.join(", ")}`;
      problems.report("PHX0408", settings.keyRef, message, { hint });
      continue;
    }
    const written = settings.get("traefik_labels");
    if (written !== undefined) labels.push([service, labelsOf(written, problems)]);
  }
  return Object.fromEntries(labels);
}

function labelsOf(written: Cell, problems: Problems): readonly StackLabel[] {
  if (written.isObject)
    return written.entries().map(([key, value]) => ({ key, value: value.literal ?? "", from: value.ref }));
  const labels = new Map<string, StackLabel>();
  for (const item of written.items) {
    const text = item.text;
    if (text === undefined) continue;
    const at = text.indexOf("=");
    const key = (at < 0 ? text : text.slice(0, at)).trim();
    if (at < 0 || key === "") {
      problems.invalid("PHX0410", item, "label", 'write "key=value"');
      continue;
    }
    const label = { key, value: text.slice(at + 1).trim(), from: item.ref };
    const before = labels.get(key);
    if (before !== undefined && before.value !== label.value)
      problems.report("PHX0410", item, `label ${key} has two values`, { related: [before.from] });
    labels.set(key, before ?? label);
  }
  return [...labels.values()];
}

type Labels = Readonly<Record<string, readonly StackLabel[]>>;

/** Labels with their variables filled in, as Compose does it, and the faults of those it cannot; they may quote secrets. */
export function filledIn(
  labels: Labels,
  values: ReadonlyMap<string, string>,
): { readonly labels: Labels; readonly faults: readonly FaultAt<SourceRef>[] } {
  const found: FaultAt<SourceRef>[] = [];
  const fill = (label: StackLabel): StackLabel => {
    const { text = label.value, faults } = filledValue(label.value, values);
    for (const { message, hint } of faults)
      found.push(defined({ message: `label ${label.key}: ${message}`, place: label.from, hint }));
    return faults.length > 0 ? label : { ...label, value: text };
  };
  const filled = Object.entries(labels).map(([service, all]) => [service, all.map(fill)] as const);
  return { labels: Object.fromEntries(filled), faults: found };
}

/**
 * The Compose file's external volumes, each with its directory below the share: as `volumes` says, or `volumes/NAME`.
 * @param file the Compose file's name
 */
export function readVolumes(
  cell: Cell | undefined,
  compose: Compose,
  file: string,
  problems: Problems,
): readonly StackVolume[] {
  const external = compose.volumes.filter((volume) => volume.external);
  const known = new Set(external.flatMap(({ key, name }) => [key, name]));
  for (const [key, value] of cell?.entries() ?? []) {
    const message = `unknown external volume ${JSON.stringify(key)}: it is not in the Compose file`;
    if (!known.has(key)) problems.report("PHX0416", value.keyRef, message);
  }
  return external.flatMap(({ key, name, place }) => {
    const declared = cell?.get(key) ?? cell?.get(name);
    const directory = declared?.text ?? `volumes/${name}`;
    if (isBelow(directory)) return [{ name, directory }];
    const message = `${JSON.stringify(directory)} is not a directory below the share`;
    return problems.report("PHX0416", declared ?? { ref: { file, ...place } }, message) ?? [];
  });
}

function isBelow(path: string): boolean {
  return /^[^/\p{Cc}]/u.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part));
}
