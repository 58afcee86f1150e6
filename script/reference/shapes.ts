/** The site's shapes as pages of reference tell them: which objects there are, and what a value can be. */
import type { ObjectShape, Shape } from "../../src/site/shapes/shape.ts";

/** How a page writes what stands in the files, and how it refers to the keys of another object. */
export interface Notation {
  code(word: string): string;
  object(shape: ObjectShape): string;
}

/**
 * The objects of a shape, outer ones first, each with the version that brought it: `since`, unless a key above it says a later
 * one. An object that is used in several places is there several times.
 */
export function objectsSince(
  shape: Shape,
  since: string,
): readonly { readonly shape: ObjectShape; readonly since: string }[] {
  const from = shape.since ?? since;
  switch (shape.kind) {
    case "object":
      return [
        { shape, since: from },
        ...Object.values(shape.keys).flatMap((inner) => objectsSince(inner, from)),
      ];
    case "list":
    case "map":
      return objectsSince(shape.of, from);
    case "either":
      return shape.of.flatMap((one) => objectsSince(one, from));
    default:
      return [];
  }
}

/** What a value can be: "text or list of text". */
export function valueWords(shape: Shape, notation: Notation): string {
  const grouped = (inner: Shape): string => {
    const words = valueWords(inner, notation);
    return words.includes(" or ") ? `(${words})` : words;
  };
  switch (shape.kind) {
    case "text":
      return shape.examples === undefined ? "text" : shape.examples.map(notation.code).join(", ");
    case "integer":
      return "number";
    case "flag":
      return "true or false";
    case "choice":
      return shape.of.map(notation.code).join(", ");
    case "list":
      return `list of ${grouped(shape.of)}`;
    case "map":
      return `object of ${grouped(shape.of)}`;
    case "object":
      return notation.object(shape);
    case "either":
      return [...shape.of]
        .sort((a, b) => Number(a.kind === "list") - Number(b.kind === "list"))
        .map((one) => valueWords(one, notation))
        .join(" or ");
    case "anything":
      return "";
  }
}

/** "a firewall rule" becomes "Firewall rule". */
export function headingOf(name: string): string {
  const words = name.replace(/^(?:an?|the) /, "");
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
