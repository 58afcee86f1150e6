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
  /** Labels of its services that stand in phoenix.json, where each environment has its own. */
  readonly labels?: ServiceLabels;
}

export type ServiceLabels = ReadonlyMap<string, readonly { readonly key: string; readonly value: string }[]>;

export interface DeployedFile {
  /** Below the stack's directory. */
  readonly path: string;
  /** Where containers see it; "" where the Compose file alone says what it is for. */
  readonly destination: string;
  readonly text: string;
  readonly isPrivate: boolean;
}
