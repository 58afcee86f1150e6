/**
 * Files as text without loss. Text is UTF-8; any other byte becomes a lone surrogate (0x80 is U+DC80) and turns back into that
 * byte when it is written. So a file in Latin-1 can be restored exactly.
 */
import { isUtf8 } from "node:buffer";

const lone = /([\udc80-\udcff])/u;

export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const sequence = bytes.subarray(at, at + length);
    if (isUtf8(sequence)) {
      text += sequence.toString("utf8");
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + lead);
      at += 1;
    }
  }
  return text;
}

export function bytesOf(text: string): Buffer {
  if (!lone.test(text)) return Buffer.from(text, "utf8");
  const parts = text.split(lone);
  return Buffer.concat(
    parts.map((part, at) =>
      at % 2 === 1 ? Buffer.of(part.charCodeAt(0) - 0xdc00) : Buffer.from(part, "utf8"),
    ),
  );
}
