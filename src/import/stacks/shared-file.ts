/**
 * One Compose file for all environments of a stack. Phoenix puts each environment's labels, and the paths of its files, into the
 * file that it sends; where these are all that differs, they are taken out again. Pure.
 */
import { isMap, isScalar, isSeq } from "yaml";
import { ComposeDocument } from "../../formats/compose/document.ts";
import { editService } from "../../formats/compose/edit.ts";
import { filesLabel } from "../../formats/compose/file-labels.ts";
import { preparedCompose, type StackFileUse } from "../../formats/compose/prepare.ts";
import { yamlText } from "../../formats/yaml/index.ts";
import type { ServiceLabels } from "./stack-file.ts";

/** A Compose file as it was sent, with what it was made from besides labels. */
export interface SentFile {
  readonly text: string;
  readonly project: string;
  /** The stack's directory as the machine sees it. */
  readonly directory: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, StackFileUse>;
}

export interface SharedFile {
  readonly text: string;
  /** The labels of each of the files that were sent, in their order. */
  readonly labels: readonly ServiceLabels[];
}

/** The file that all of them were made from; undefined when no such file gives exactly what was sent. */
export function sharedFile(sent: readonly SentFile[]): SharedFile | undefined {
  const [first] = sent;
  if (first === undefined) return undefined;
  if (sent.every(({ text }) => text === first.text))
    return { text: first.text, labels: sent.map(() => new Map()) };
  const kept = commonLabels(sent);
  for (const removesEmpty of [true, false]) {
    const parts = sent.map((each) => withoutOwn(each, kept, removesEmpty));
    const text = parts[0]?.text ?? "";
    const labels = parts.map((part) => part.labels);
    const isWhole = sent.every(
      (each, at) => preparedCompose(text, { ...each, labels: labels[at] ?? new Map() }).text === each.text,
    );
    if (isWhole) return { text, labels };
  }
  return undefined;
}

/** How many labels of each service are the same in all files, from the first on; those behind may have been injected. */
function commonLabels(sent: readonly SentFile[]): ReadonlyMap<string, number> {
  const all = sent.map(({ text }) => labelsIn(text));
  const [first = new Map<string, readonly string[]>(), ...others] = all;
  return new Map(
    [...first].map(([service, labels]) => {
      const at = labels.findIndex((label, index) =>
        others.some((each) => each.get(service)?.[index] !== label),
      );
      return [service, at < 0 ? labels.length : at];
    }),
  );
}

/** The labels of each service as texts, without the fingerprint of its files, which is computed anew. */
function labelsIn(text: string): ReadonlyMap<string, readonly string[]> {
  const document = new ComposeDocument(text, new Map());
  return new Map(
    document.services.members.map(({ key, value }) => [
      key,
      pairsOf(value.get("labels").yaml).map(({ key: name, value: label }) => `${name}=${label}`),
    ]),
  );
}

interface LabelPair {
  readonly key: string;
  readonly value: string;
}

/** Labels in either form, without the fingerprint of files. */
export function pairsOf(labels: unknown): readonly LabelPair[] {
  const text = (node: unknown): string => (isScalar(node) ? String(node.value ?? "") : "");
  const pairs = isMap(labels)
    ? labels.items.map((pair) => ({ key: text(pair.key), value: text(pair.value) }))
    : isSeq(labels)
      ? labels.items.map((item) => {
          const [key = "", ...rest] = text(item).split("=");
          return { key, value: rest.join("=") };
        })
      : [];
  return pairs.filter(({ key }) => key !== filesLabel);
}

/** A sent file without the labels behind the common ones, and with the paths of its directory relative again. */
function withoutOwn(
  { text, directory }: SentFile,
  kept: ReadonlyMap<string, number>,
  removesEmpty: boolean,
): { readonly text: string; readonly labels: ServiceLabels } {
  const document = new ComposeDocument(text.replaceAll(`${directory}/`, "./"), new Map());
  const labels = new Map<string, readonly LabelPair[]>();
  for (const { key: service, value } of document.services.members) {
    const node = value.get("labels").yaml;
    const own = pairsOf(node).slice(kept.get(service) ?? 0);
    const hasFingerprint = value.get("labels").names.some(({ name }) => name.split("=")[0] === filesLabel);
    if (own.length === 0 && !hasFingerprint) continue;
    labels.set(service, own);
    const names = new Set([...own.map(({ key }) => key), filesLabel]);
    const isOwn = (name: unknown): boolean =>
      isScalar(name) && names.has(String(name.value).split("=")[0] ?? "");
    if (isMap(node)) node.items = node.items.filter(({ key }) => !isOwn(key));
    if (isSeq(node)) node.items = node.items.filter((item) => !isOwn(item));
    const isEmpty = (isMap(node) || isSeq(node)) && node.items.length === 0;
    if (isEmpty && removesEmpty) editService(document, service)?.remove("labels");
  }
  return { text: yamlText(document.yaml), labels };
}
