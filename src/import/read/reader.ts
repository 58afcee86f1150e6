/** What a reader is. */
import type { FoundEngine } from "../found/docker.ts";
import type { FoundGuest, ReadIo } from "../found.ts";

/**
 * Reads everything of one kind. What cannot be read is passed to `io.left`; a reader never throws for the state of a machine.
 * @param guests all guests; those that do not run cannot be asked
 * @param engines the Docker engines of the guests that run
 */
export type Reader<Part> = (
  io: ReadIo,
  guests: readonly FoundGuest[],
  engines: readonly FoundEngine[],
) => Promise<Part>;
