/** The commands of the stacks component: creating directories on the share. */
import type { Command } from "../../hosts/host.ts";

export const commands = {
  /** A stack's own directory. Only root may enter it: what containers read through a bind may be readable for everybody. */
  makeClosed: (path: string): Command => ({ argv: ["mkdir", "-p", "-m", "700", path], effect: "change" }),
  /** A directory that Docker mounts for containers; Docker sets the owner that the image needs. */
  makeOpen: (path: string): Command => ({ argv: ["mkdir", "-p", path], effect: "change" }),
} as const;
