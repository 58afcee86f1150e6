/** YAML that is read, edited and printed again: what is not edited stays as its author wrote it. */
import {
  Composer,
  type CST,
  Document,
  isScalar,
  type LineCounter,
  Parser,
  type ScalarTag,
  type Tags,
  type YAMLParseError,
} from "yaml";
import { checkStructure, type YamlFault } from "./structure.ts";

export { targetOf, type YamlFault } from "./structure.ts";

/** Characters: 96 KiB, several times the largest Compose file that anybody publishes; 1 MiB takes seconds to read. */
export const largestYaml = 96 * 1024;

/** No Compose file nests deeper; the limit keeps a hostile text from exhausting the stack. */
const deepest = 100;

export interface ReadYaml {
  /** Empty when there are faults. */
  readonly document: Document;
  /** What makes it invalid. A message never quotes the text: it may hold secrets. */
  readonly faults: readonly YamlFault[];
}

const numbers = ["tag:yaml.org,2002:int", "tag:yaml.org,2002:float"];

/** Numbers keep their digits: yaml (2.9.1) prints their values, 440 for 0440, which Compose reads as octal. */
const asWritten = (tags: Tags): Tags =>
  tags.map((tag) => {
    if (typeof tag === "string" || !numbers.includes(tag.tag)) return tag;
    const original = tag as ScalarTag;
    const stringify: ScalarTag["stringify"] = (item, ...rest) =>
      item.source ?? original.stringify?.(item, ...rest) ?? String(item.value);
    return { ...original, stringify };
  });

/** `uniqueKeys` compares each key with all others of its mapping: `checkStructure` looks them up. */
const options = { prettyErrors: false, customTags: asWritten, merge: true, uniqueKeys: false };

/** Reads one document. It never throws, and within `largestYaml` takes time in proportion to the text. */
export function readYaml(text: string, lines: LineCounter): ReadYaml {
  if (text.length > largestYaml) return refused({ message: `more than ${largestYaml / 1024} KiB of YAML` });
  const documents: Document.Parsed[] = [];
  const composer = new Composer(options);
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    const deep = tooDeep(token, 0);
    if (deep !== undefined)
      return refused({ message: `nested more than ${deepest} levels deep`, from: deep });
    documents.push(...composer.next(token));
    // One fault makes thousands of others.
    if (token.type === "error") break;
  }
  documents.push(...composer.end(true, text.length));
  const [document, second] = documents;
  if (document === undefined) return { document: new Document(null), faults: [] };
  const [error] = document.errors;
  if (error !== undefined) return refused(faultOf(error));
  if (second !== undefined)
    return refused({
      message: "the file has several YAML documents",
      hint: 'put everything into one document, without "---" in between',
      from: second.range?.[0] ?? 0,
    });
  const faults = checkStructure(document);
  return faults.length === 0 ? { document, faults } : { document: new Document(null), faults };
}

/** The offset of a token that is nested too deeply; undefined when there is none. */
function tooDeep(token: CST.Token | null | undefined, depth: number): number | undefined {
  if (token === null || token === undefined) return undefined;
  if (depth > deepest) return token.offset;
  if (token.type === "document") return tooDeep(token.value, depth);
  if (!("items" in token)) return undefined;
  for (const { key, value } of token.items) {
    const found = tooDeep(key, depth + 1) ?? tooDeep(value, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The number that a scalar is to Go's parser (go-yaml 3), which reads those of YAML 1.1 as well: `0755`, `1_000`, `0b11`. */
export function numberIn(node: unknown): number | undefined {
  if (!isScalar(node) || typeof node.value === "boolean") return undefined;
  const { type, tag, source = "" } = node;
  if (type === "PLAIN" && tag === undefined && digits.test(source)) {
    const plain = source.replaceAll("_", "");
    const value = Number(plain.replace(/^[-+]/, "").replace(/^0(?=[0-7])/, "0o"));
    return plain.startsWith("-") ? -value : value;
  }
  return typeof node.value === "number" ? node.value : undefined;
}

const digits = /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[\da-f_]+|[1-9][\d_]*)$/i;

/** The text of a document; long lines are not folded. */
export function yamlText(document: Document): string {
  return document.toString({ lineWidth: 0 });
}

function refused({ from = 0, ...fault }: Omit<YamlFault, "from"> & { from?: number }): ReadYaml {
  return { document: new Document(null), faults: [{ ...fault, from }] };
}

/** The library's message may quote the text; its code does not. */
function faultOf({ code, pos }: YAMLParseError): YamlFault {
  return {
    message: `invalid YAML: ${words[code] ?? "it cannot be read from here on"}`,
    from: pos[0],
    mayBeSecret: true,
  };
}

const words: { readonly [Code in YAMLParseError["code"]]?: string } = {
  ALIAS_PROPS: "an alias cannot have a tag or an anchor",
  BAD_ALIAS: "an alias needs a name",
  BAD_DIRECTIVE: "unknown directive",
  BAD_DQ_ESCAPE: "invalid escape sequence between double quotes",
  BAD_INDENT: "wrong indentation, or a bracket that is not closed",
  BAD_SCALAR_START: "a value that begins with a reserved character must be quoted",
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line: quote the value',
  BLOCK_IN_FLOW: "a block between brackets",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: 'a key without ": " behind it, or over several lines',
  MULTIPLE_ANCHORS: "a value with two anchors",
  MULTIPLE_TAGS: "a value with two tags",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "a tab in the indentation: use spaces",
  TAG_RESOLVE_FAILED: "unknown tag, or a value that its tag does not allow",
  UNEXPECTED_TOKEN: "unexpected text",
};
