/** __Name__: printing, parsing and checking, without a Site and without I/O. Name the program that reads it, and its version. */
import type { FaultAt } from "../fault.ts";

export interface __Name__Entry {
  readonly key: string;
  readonly value: string;
}

const entryLine = /^\s*(\w+)\s*=\s*(.*?)\s*$/;
const ignoredLine = /^\s*(?:#|$)/;

/** One line for each entry, in their order. */
export function print__Name__(entries: readonly __Name__Entry[]): string {
  return entries.map(({ key, value }) => `${key} = ${value}\n`).join("");
}

/** The entries in their order; every other line is left out. */
export function parse__Name__(text: string): readonly __Name__Entry[] {
  return text.split("\n").flatMap((line) => {
    const [, key, value] = entryLine.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [{ key, value }];
  });
}

/** What is wrong with a text, by line number. */
export function check__Name__(text: string): readonly FaultAt<number>[] {
  return text
    .split("\n")
    .flatMap((line, at) =>
      entryLine.test(line) || ignoredLine.test(line)
        ? []
        : [{ place: at + 1, message: "expected KEY = VALUE", hint: "a comment begins with #" }],
    );
}
