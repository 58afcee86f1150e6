/** Hands in a lab: what people and other programs do to its machines without Phoenix. */
import { chmodSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { LabDocker } from "../../../lab/docker.ts";
import { openContext } from "../../../lab/open-context.ts";
import type { Lab } from "../../../lab/parts.ts";
import { type DatabaseFile, openDatabase } from "../../../lab/portainer/database.ts";
import type { GuestName, HostName } from "../../../src/resource.ts";

export interface Hands {
  readonly lab: Lab;
  text(host: HostName, path: string): string;
  /** Writes a new file, or another text into an old one. */
  write(host: HostName, path: string, text: string): void;
  /** Changes a file in place, its mode and owner kept. @throws Error when that changes nothing */
  edit(host: HostName, path: string, change: (text: string) => string): void;
  remove(host: HostName, path: string): void;
  /** Octal digits. */
  mode(host: HostName, path: string): string;
  /** Runs a command as root would. @throws Error when it fails */
  run(host: HostName, ...argv: readonly string[]): Promise<string>;
  docker(host: HostName): LabDocker;
  /** The database of the Portainer server that runs there. */
  portainer(host: GuestName): DatabaseFile;
}

export function handsIn(directory: string): Hands {
  const lab = openContext(directory, { signal: new AbortController().signal });
  const real = (host: HostName, path: string): string => realpathSync(lab.path(host, path));
  return {
    lab,
    text: (host, path) => readFileSync(real(host, path), "utf8"),
    write: (host, path, text) => lab.files.write(host, path, text),
    edit: (host, path, change) => {
      const [file, before] = [real(host, path), readFileSync(real(host, path), "utf8")];
      const after = change(before);
      if (after === before) throw new Error(`${host}:${path} was not changed by the edit:\n${before}`);
      const { mode } = statSync(file);
      writeFileSync(file, after);
      chmodSync(file, mode);
    },
    remove: (host, path) => {
      if (lab.files.status(host, path, false) === undefined) throw new Error(`${host} has no ${path}`);
      lab.files.remove(host, path);
    },
    mode: (host, path) => lab.files.status(host, path)?.mode ?? "absent",
    run: async (host, ...argv) => {
      const { exitCode, stdout, stderr } = await lab.run(host, { argv, effect: "change" });
      if (exitCode !== 0) throw new Error(`${host}: ${argv.join(" ")}: ${stderr}`);
      return stdout;
    },
    docker: (host) => new LabDocker(lab, host),
    portainer: (host) => {
      const docker = new LabDocker(lab, host);
      return openDatabase(docker.dataOf(docker.container("portainer_server")));
    },
  };
}

/** The text without its last line. */
export function withoutLastLine(text: string): string {
  return `${text.trimEnd().split("\n").slice(0, -1).join("\n")}\n`;
}
