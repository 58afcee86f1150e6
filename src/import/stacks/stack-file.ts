/** A stack's Compose file as a site declares it, with what lies beside it. */
import type { Share } from "../../model.ts";

/** A share as far as the paths of stacks need it. */
export type StackShare = Pick<Share, "server" | "path" | "mountPoint">;

export interface DeclaredFile {
  readonly text: string;
  /** Files of the stack's directory. */
  readonly files: readonly DeployedFile[];
  /** External volumes on the share, by the names that the file has for them: their directories there. */
  readonly volumes: ReadonlyMap<string, string>;
}

export interface DeployedFile {
  /** Below the stack's directory. */
  readonly path: string;
  /** Where containers see it; "" where the Compose file alone says what it is for. */
  readonly destination: string;
  readonly text: string;
  readonly isPrivate: boolean;
}
