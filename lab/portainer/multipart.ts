/** Forms, `multipart/form-data` or urlencoded. Pure. */

export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  /** Contents of uploaded files: parts with a file's name. */
  readonly files: ReadonlyMap<string, string>;
}

/** Empty when the body is no form. */
export function formOf(contentType: string, body: Buffer): Form {
  const fields = new Map<string, string>();
  const files = new Map<string, string>();
  if (contentType.startsWith("application/x-www-form-urlencoded"))
    return { fields: new Map(new URLSearchParams(body.toString())), files };
  const [, quoted, plain] = /^multipart\/form-data;.*boundary=(?:"([^"]+)"|([^;]+))/.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return { fields, files };
  // Binary survives as Latin-1 while it is cut into parts.
  for (const part of body.toString("latin1").split(`--${boundary}`).slice(1, -1)) {
    const at = part.indexOf("\r\n\r\n");
    const head = part.slice(0, at);
    const name = /\bname="([^"]*)"/.exec(head)?.[1];
    const text = Buffer.from(part.slice(at + 4, -2), "latin1").toString();
    if (name !== undefined) (/\bfilename=/.test(head) ? files : fields).set(name, text);
  }
  return { fields, files };
}
