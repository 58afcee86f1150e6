/** Short digests of texts: equal texts have equal ones. */
import { createHash } from "node:crypto";

/** 16 hexadecimal digits of the text's SHA-256. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
