/** What a plan shows of a stack's Compose file: what a person wrote, and apart from it what Phoenix adds. Pure. */
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { labelsAddedTo } from "../../fabric/containers-at.ts";
import { filesLabel } from "../../formats/compose/file-labels.ts";
import { writtenBehind } from "../../formats/compose/written.ts";
import { isObject, listOf, member, membersOf } from "../../formats/json/index.ts";
import type { Stack } from "../../model.ts";
import { Secret } from "../../secret.ts";
import { looksSecret, replaced, type SecretSpan } from "../../secret-spans.ts";
import { isSensitiveName } from "../../sensitive.ts";

export interface ShownCompose {
  /** The Compose file without what Phoenix adds; absent where it cannot be told apart. */
  readonly document?: string;
  /** Labels that Phoenix adds: "label grafana traefik.enable" -> "true". */
  readonly labels: Readonly<Record<string, string>>;
}

type Labels = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** As declared. */
export function declaredCompose({ compose, labels }: Stack): ShownCompose {
  const pairs = Object.entries(labels).map(
    ([service, each]) => [service, new Map(each.map(({ key, value }) => [key, value]))] as const,
  );
  return { document: compose.text, labels: labelUnits(new Map(pairs)) };
}

/** Of a file that runs. @param prepared the declared file as it is sent */
export function runningCompose(running: string, stack: Stack, prepared: string): ShownCompose {
  if (running === prepared) return declaredCompose(stack);
  const written = writtenWithLineEndsOf(running, stack.compose.text, prepared);
  if (written === undefined) return { labels: {} };
  const own = labelsIn(written);
  const added = [...labelsIn(running)].map(([service, labels]): [string, ReadonlyMap<string, string>] => {
    const declared = new Set(labelsAddedTo(stack, service).map(({ key }) => key));
    const isAdded = (key: string): boolean => declared.has(key) || own.get(service)?.has(key) !== true;
    return [service, new Map([...labels].filter(([key]) => key !== filesLabel && isAdded(key)))];
  });
  const document = stack.files.length === 0 ? written : withoutInlined(written, stack.compose.text);
  return { document, labels: labelUnits(new Map(added)) };
}

/** Line ends differ in all lines at once: what was written is told from what was added without them. */
function writtenWithLineEndsOf(
  running: string,
  ...[written, prepared]: [string, string]
): string | undefined {
  const [unix = "", ...present] = [running, written, prepared].map((text) => text.replaceAll("\r\n", "\n"));
  const [own = "", sent = ""] = present;
  const behind = writtenBehind(unix, own, sent);
  return running === unix ? behind : behind?.replaceAll("\n", "\r\n");
}

/** "7 labels of grafana, the mount of prometheus.yml"; undefined when nothing is added. */
export function additionsOf({ labels, files }: Stack): string | undefined {
  const labelled = Object.entries(labels)
    .filter(([, each]) => each.length > 0)
    .map(([service, each]) => `${each.length} ${each.length === 1 ? "label" : "labels"} of ${service}`);
  const mounted = files
    .filter(({ destination }) => destination.startsWith("/"))
    .map(({ destination }) => `the mount at ${destination}`);
  const all = [...labelled, ...mounted];
  return all.length === 0 ? undefined : all.join(", ");
}

/** The labels whose values are secret, by their units. */
export function secretLabels(labels: Readonly<Record<string, string>>): Record<string, Secret> {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([unit, value]) => isSensitiveName(unit.split(" ").at(-1) ?? "") || looksSecret(value))
      .map(([unit, value]) => [unit, new Secret(value)]),
  );
}

function labelUnits(labels: Labels): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...labels].flatMap(([service, each]) =>
      [...each].map(([key, value]) => [`label ${service} ${key}`, value] as const),
    ),
  );
}

/** The labels of each service as they are written; none for a text that is not YAML. */
function labelsIn(text: string): Labels {
  const document = parseDocument(text, { merge: true });
  if (document.errors.length > 0) return new Map();
  const services = Object.entries(membersOf(member(document.toJS(), "services")));
  return new Map(services.map(([name, service]) => [name, pairsOf(member(service, "labels"))]));
}

function pairsOf(labels: unknown): ReadonlyMap<string, string> {
  if (isObject(labels)) return new Map(Object.entries(labels).map(([key, value]) => [key, String(value)]));
  return new Map(
    listOf(labels).map((label) => {
      const at = label.indexOf("=");
      return at < 0 ? [label, ""] : [label.slice(0, at), label.slice(at + 1)];
    }),
  );
}

/** Environment files are written out as variables: values in lines that nobody wrote into the present file may be theirs. */
function withoutInlined(text: string, written: string): string {
  const known = new Set(written.split("\n"));
  const document = parseDocument(text, { merge: true });
  const services = document.get("services");
  if (document.errors.length > 0 || !isMap(services)) return written;
  const spans = services.items.flatMap(({ value }) =>
    isMap(value) ? valueSpans(value.get("environment")) : [],
  );
  const lineAt = (offset: number): string => {
    const end = text.indexOf("\n", offset);
    return text.slice(text.lastIndexOf("\n", offset - 1) + 1, end < 0 ? text.length : end);
  };
  return replaced(
    text,
    spans.filter(({ start }) => !known.has(lineAt(start))),
  );
}

function valueSpans(environment: unknown): readonly SecretSpan[] {
  if (!isMap(environment) && !isSeq(environment)) return [];
  return environment.items.flatMap((item: unknown): readonly SecretSpan[] => {
    const value = isMap(environment) ? (item as { value: unknown }).value : item;
    if (!isScalar(value) || value.range == null) return [];
    const [start, end] = value.range;
    const name = isMap(environment) ? 0 : String(value.source ?? "").indexOf("=") + 1;
    return [{ start: start + name, end }];
  });
}
