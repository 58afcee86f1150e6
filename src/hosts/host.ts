/**
 * A machine that commands run on. Everything a host can do is built on one function, `Exec`, which runs a command given as
 * argv data. Local, ssh, pct and qm differ only in their `Exec`; tracing, limits, read-only access and fault injection are
 * decorators of it.
 */
import type { HostName } from "../resource.ts";

export interface Command {
  /** The program and its arguments. Never a secret: argv shows in process lists and guests' logs. */
  readonly argv: readonly string[];
  /** Content and secrets travel here. */
  readonly stdin?: string;
  /** "change" is refused on a read-only host, counted by tests, and shown in traces. */
  readonly effect: "read" | "change";
  /** Milliseconds until the command and its children are killed; 30 000 unless given. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** 128 + signal number for a command that a signal ended. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command. A non-zero exit code is a result.
 * @throws TransportError when the host cannot be reached, is not running, or the time is up.
 */
export type Exec = (command: Command) => Promise<CommandResult>;

export interface FileState {
  readonly text: string;
  /** Octal digits without leading zero: "640". */
  readonly mode: string;
  /** "user:group" by name, by number for an id without a name. */
  readonly owner: string;
  /** The same as numbers: "0:33". */
  readonly ids: string;
  /** The target when the path is a symbolic link; `text` is then the target file's content ("" when dangling). */
  readonly link?: string;
}

export interface FileWrite {
  readonly path: string;
  readonly text: string;
  /** Octal digits; absent leaves the file system's default (as /etc/pve demands). */
  readonly mode?: string;
  /** "user:group"; absent leaves root:root. */
  readonly owner?: string;
  /** A directory on the same file system for the temporary file; absent means the file's own directory. */
  readonly staging?: string;
}

/** The exit code of a CommandError about a file or directory whose owner or mode could not be set. */
export const ownerNotSet = 82;

export interface DirectoryOptions {
  /** Octal digits; 755 unless given. */
  readonly mode?: string;
  /** "user:group"; root:root unless given. */
  readonly owner?: string;
}

/**
 * Marks in a path where others can write: in "/tank/share/./stacks/x" no symbolic link below /tank/share is followed, and one that is
 * there is a CommandError. Without the mark links mean what they mean to the host.
 */
export const boundary = "/./";

export interface Host {
  readonly name: HostName;

  /** Runs a command; a non-zero exit code is a result. @throws TransportError */
  run(command: Command): Promise<CommandResult>;

  /** Runs a command that must succeed; returns its standard output. @throws CommandError, TransportError */
  expect(command: Command): Promise<string>;

  /** Reads files in one round trip. Absent ones are missing from the map. @throws CommandError on a directory or no permission */
  readFiles(paths: readonly string[]): Promise<ReadonlyMap<string, FileState>>;

  /** Names in a directory, sorted; empty when the directory is not there. */
  list(directory: string): Promise<readonly string[]>;

  /**
   * Replaces files whole: each is written beside its place with its mode and owner from the first byte, checked by
   * checksum and synced; only when all are complete are they renamed into place, in the order given. Makes missing
   * parent directories. @throws CommandError, TransportError
   */
  writeFiles(files: readonly FileWrite[]): Promise<void>;

  /** Removes files and symbolic links; absent ones are fine. */
  remove(paths: readonly string[]): Promise<void>;

  /**
   * Makes a directory and its missing parents, those with mode 755. One that is there stays as it is.
   * @throws CommandError, with `ownerNotSet` when it was made; TransportError
   */
  makeDirectory(path: string, options?: DirectoryOptions): Promise<void>;
}

/** How long a command may take unless it says otherwise, in milliseconds. */
export const defaultTimeoutMs = 30_000;
