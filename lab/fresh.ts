/** When what was read of the lab's files may be used again without another look. */
import { changeCount } from "./files.ts";

export interface Look {
  /** Milliseconds of this process. */
  readonly atMs: number;
  /** How many changes of files it had made. */
  readonly changes: number;
}

/**
 * How long a look counts, unless this process changes a file: Proxmox itself looks at its rules every 10 s. It is what a person who
 * edits the lab's trees may have to wait.
 */
const trustMs = 1_000;

export function lookNow(): Look {
  return { atMs: performance.now(), changes: changeCount() };
}

export function isFresh(before: Look | undefined, { atMs, changes }: Look): boolean {
  return before !== undefined && before.changes === changes && atMs - before.atMs < trustMs;
}
