/** Every command that the stacks component runs: making directories on the share. */
import type { Command } from "../../hosts/host.ts";

export const commands = {
  /**
   * A stack's own directory. Only root gets into it: files that containers see by a bind may be readable for every user of
   * the container without being so for users of the machine.
   */
  makeClosed: (path: string): Command => ({ argv: ["mkdir", "-p", "-m", "700", path], effect: "change" }),
  /** A directory that Docker mounts for containers; it changes its owner to what the image wants. */
  makeOpen: (path: string): Command => ({ argv: ["mkdir", "-p", path], effect: "change" }),
} as const;
