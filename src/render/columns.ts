/**
 * How many columns a text takes on a terminal. Nearly every text is one column a character, which is seen at a glance;
 * the rest is judged by grapheme clusters. string-width does the same and more, but compiling its expressions costs 25 ms
 * at each start (8.3.0, Node 20); a test compares the two.
 */

/** Printable ASCII, Latin, Greek, Cyrillic, general punctuation, arrows and box drawing: one column each. */
const narrow =
  /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u257f]*$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours begin with one
const colours = /\u001b\[[\d;]*m/g;

const invisible = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}]*$/u;

/** First and last code points of the scripts and symbols that are drawn two columns wide (Unicode 15.1, East Asian Width W and F). */
const wide: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x2e80, 0x303e],
  [0x3041, 0xa4c6],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2fb],
  [0x1f300, 0x1f320],
  [0x1f32d, 0x1f335],
  [0x1f337, 0x1f37c],
  [0x1f3a0, 0x1f3ca],
  [0x1f400, 0x1f43e],
  [0x1f442, 0x1f4fc],
  [0x1f5fb, 0x1f64f],
  [0x1f680, 0x1f6c5],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

let segmenter: Intl.Segmenter | undefined;

/** Columns of a text on one line, colour codes not counted. */
export function columnsOf(text: string): number {
  const plain = text.includes("\u001b") ? text.replaceAll(colours, "") : text;
  if (narrow.test(plain)) return plain.length;
  segmenter ??= new Intl.Segmenter();
  let columns = 0;
  for (const { segment } of segmenter.segment(plain)) columns += clusterColumns(segment);
  return columns;
}

function clusterColumns(cluster: string): number {
  if (invisible.test(cluster)) return 0;
  // U+FE0F asks for the coloured, wide form of a symbol.
  if (cluster.includes("\ufe0f")) return 2;
  const point = cluster.codePointAt(0) ?? 0;
  return wide.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}
