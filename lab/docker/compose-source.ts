/** What a compose file is read from, and the volumes and networks that it declares. */
import type { Variables } from "./interpolation.ts";

export interface ComposeSource {
  readonly text: string;
  /** As it is called in messages and labels. */
  readonly file: string;
  /** What relative paths stand for: an absolute path on the machine. */
  readonly directory: string;
  /** Overrides `name:`; absent takes that, then the directory's name. */
  readonly project?: string;
  readonly variables: Variables;
  /** A file that the compose file names; undefined when it is not there. */
  readonly readFile: (path: string) => string | undefined;
}

export interface ComposeVolume {
  readonly key: string;
  readonly name: string;
  readonly external: boolean;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ComposeNetwork {
  readonly key: string;
  readonly name: string;
  readonly external: boolean;
}
