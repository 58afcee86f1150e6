/** Why drift cannot be accepted: the site has no words for it. */
import { RefusedError } from "../errors.ts";
import type { SourceRef } from "../resource.ts";

/** @param reason a clause: "the site cannot say that a service is stopped" */
export function notAcceptable(id: string, reason: string, hint?: string): RefusedError {
  return new RefusedError(`cannot accept ${id}: ${reason}`, {
    hint: hint ?? `\`phoenix sync ${id}\` restores what the site declares`,
  });
}

/** What differs follows from something else: it can be changed there only. */
export function derived(id: string, what: string, from: SourceRef | undefined): RefusedError {
  const place = from === undefined ? "the site" : `${from.file}:${from.line}`;
  return notAcceptable(
    id,
    `${what} follows from ${place}`,
    `change it there, or \`phoenix sync ${id}\` restores it`,
  );
}
