/** YAML that is read, edited and printed again: what is not edited stays as its author wrote it. */
import {
  type Document,
  type DocumentOptions,
  type ParseOptions,
  parseDocument,
  type ScalarTag,
  type SchemaOptions,
  type Tags,
} from "yaml";

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

/** Parses a text; errors are in the document. */
export function parseYaml(
  text: string,
  options: ParseOptions & DocumentOptions & SchemaOptions = {},
): Document.Parsed {
  return parseDocument(text, { prettyErrors: false, customTags: asWritten, ...options });
}

/** The text of a document; long lines are not folded. */
export function yamlText(document: Document): string {
  return document.toString({ lineWidth: 0 });
}
