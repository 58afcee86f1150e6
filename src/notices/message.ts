/** A notice in words: one line for a screen that is locked, and what to know and to do below it. Plain text. Pure. */
import type { News, Notice, NoticeEvent } from "../notice.ts";
import { oneLineOf } from "../unseen.ts";
import { dateOf } from "./conditions.ts";

export interface Message {
  readonly title: string;
  readonly body: string;
  /** "bad": a person should look. */
  readonly urgency: "bad" | "notable" | "good";
}

/** Changes that a title names, and that a body explains; the rest is counted. */
const mostNamed = 3;
const mostExplained = 10;
/** Characters of one text from outside. */
const longestText = 300;

/** Those that can wait until somebody is at work. */
const notable: readonly NoticeEvent[] = ["drifted", "repaired"];

export function messageOf({ site, command, atMs, news }: Notice): Message {
  const title = `${site}: ${shortened(
    news.map(({ subject, verb }) => `${line(subject)} ${verb}`),
    mostNamed,
  ).join(", ")}`;
  const explained = news.slice(0, mostExplained).flatMap(explain);
  const rest = news.length > mostExplained ? [`and ${news.length - mostExplained} more`] : [];
  const foot = `phoenix ${line(command)}, ${dateOf(atMs)}`;
  return { title, body: [...explained, ...rest, "", foot].join("\n"), urgency: urgencyOf(news) };
}

function urgencyOf(news: readonly News[]): Message["urgency"] {
  const open = news.filter(({ event }) => event !== "recovered");
  if (open.length === 0) return "good";
  return open.every(({ event }) => notable.includes(event)) ? "notable" : "bad";
}

function explain({ subject, verb, reason, from, hint }: News): readonly string[] {
  const head = `${line(subject)} ${verb}`;
  return [
    reason === undefined ? head : `${head}: ${line(reason)}`,
    ...(from === undefined ? [] : [`  declared in ${line(from.file)}:${from.line}`]),
    ...(hint === undefined ? [] : hint.split("\n").map((each) => `  ${line(each)}`)),
  ];
}

function shortened(words: readonly string[], most: number): readonly string[] {
  return words.length <= most ? words : [...words.slice(0, most), `and ${words.length - most} more`];
}

/** On one line, without characters that nobody sees. */
function line(text: string): string {
  return cut(oneLineOf(text), longestText);
}

/** The first `most` characters, with a sign that there are more. */
export function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
