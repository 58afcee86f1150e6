/** Man pages as man(7) reads them. */

export interface Page {
  readonly name: string;
  readonly section: 1 | 5 | 7;
  /** A few words for `apropos`. */
  readonly summary: string;
  readonly body: readonly string[];
}

/** What stands at a page's foot: "2026-11-28" and "phoenix 0.2.0". */
export interface Foot {
  readonly date: string;
  readonly source: string;
}

export function printPage({ name, section, summary, body }: Page, { date, source }: Foot): string {
  const head = `.TH ${[name.toUpperCase(), String(section), date, source, "Phoenix"].map(quoted).join(" ")}`;
  // Neither hyphens nor a ragged line's stretched spaces in what people copy.
  const lines = [head, ".nh", ".ad l", heading("Name"), `${escaped(name)} \\- ${escaped(summary)}`, ...body];
  return `${lines.join("\n")}\n`;
}

/** The heading of one of the usual sections, in capitals. */
export function heading(text: string): string {
  return section(text.toUpperCase());
}

/** A heading as it is written: the name of a file. */
export function section(text: string): string {
  return `.SH ${quoted(text)}`;
}

export function subheading(text: string): string {
  return `.SS ${quoted(text)}`;
}

/** Text in lines of at most the page's width; words between backticks are bold. */
export function paragraph(text: string): string {
  return `.PP\n${prose(text)}`;
}

/** A term and, indented below it, what it means. */
export function item(term: string, ...meaning: readonly string[]): string {
  const [first = "", ...more] = meaning.filter((text) => text !== "");
  return [`.TP\n\\fB${escaped(term)}\\fR`, prose(first), ...more.map((text) => `.IP\n${prose(text)}`)].join(
    "\n",
  );
}

/** Lines that keep their breaks and spaces: commands. */
export function verbatim(lines: readonly string[]): string {
  return [".PP", ".in +4n", ".nf", ...lines.map((text) => line(escaped(text))), ".fi", ".in"].join("\n");
}

/** Text for a line of its own, with what is between backticks in bold. */
function prose(text: string): string {
  const parts = text.trim().split("`");
  return line(parts.map((part, at) => (at % 2 === 1 ? `\\fB${escaped(part)}\\fR` : escaped(part))).join(""));
}

/** A line of text is no request, though it begins with a dot. */
function line(text: string): string {
  return text.startsWith(".") ? `\\&${text}` : text;
}

/** Text without what roff takes for itself; a hyphen stays one when it is copied. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti");
}

/** An argument of a request. */
function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', "\\(dq")}"`;
}
