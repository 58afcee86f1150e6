/** Digests of texts: equal texts have equal ones. */

/** 16 hexadecimal digits of the text's SHA-256. */
export function digest(text: string): string {
  return sha256(text).slice(0, 16);
}

/** As sha256sum prints it: 64 hexadecimal digits. */
export function sha256(text: string): string {
  // Loaded on demand: the check of a site without mounted files needs no digest.
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(text).digest("hex");
}
