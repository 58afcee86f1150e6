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

/**
 * The file that Phoenix made a config or secret of, by Docker's name for that: "wiki_app.ini_1a2b3c4d" was app.ini. Undefined for
 * one that is not the stack's, or whose file would be in the way of the stack's own.
 */
export function fileBehind(name: string, project: string): string | undefined {
  const [, file = ""] = /^(.*)_[0-9a-f]{8}$/.exec(name) ?? [];
  const path = file.startsWith(`${project}_`) ? file.slice(project.length + 1) : "";
  return ["", ".", "..", "phoenix.json", "docker-compose.yml"].includes(path) ? undefined : path;
}
