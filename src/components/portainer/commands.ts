/** The commands that run for Portainer on its virtual machines. None contains a secret. */
import { serverProject } from "../../fabric/portainer-server.ts";
import type { Command } from "../../hosts/host.ts";

/** A large image over a slow line. Milliseconds. */
const pullMs = 15 * 60_000;

/** Creating a container, and stopping the previous one, which takes ten seconds. Milliseconds. */
const upMs = 180_000;

const read = (...argv: readonly string[]): Command => ({ argv, effect: "read" });
const change = (...argv: readonly string[]): Command => ({ argv, effect: "change" });
const docker = (...words: readonly string[]): Command => ({ ...change("docker", ...words), timeoutMs: upMs });
const compose = (file: string, ...words: readonly string[]): Command =>
  docker("compose", "--project-name", serverProject, "--file", file, ...words);

export const commands = {
  inspect: (container: string) => read("docker", "container", "inspect", container),
  log: (container: string) => read("docker", "logs", "--tail", "5", container),
  restart: (container: string) => docker("restart", container),
  stop: (container: string) => docker("stop", container),
  start: (container: string) => docker("start", container),
  /** Prints the new password: its output is a secret. */
  resetPassword: (container: string, image: string) =>
    docker("run", "--rm", "--volumes-from", container, "--", image),
  runContainer: (image: string, options: readonly string[]) =>
    docker("run", "--detach", ...options, "--", image),
  removeContainer: (container: string) => docker("rm", "--force", container),

  hasImage: (image: string) => read("docker", "image", "inspect", "--format", "{{.Id}}", "--", image),
  pull: (image: string): Command => ({ ...docker("pull", "--quiet", "--", image), timeoutMs: pullMs }),

  /** Compose's own checker, on a candidate from standard input. */
  check: (directory: string, candidate: string): Command => {
    const { argv } = compose("-", "--project-directory", directory, "config", "--quiet");
    return { argv, stdin: candidate, effect: "read" };
  },
  up: (file: string) => compose(file, "up", "--detach"),
  /** Containers and networks; volumes stay. */
  down: (file: string) => compose(file, "down"),

  volume: (name: string) => read("docker", "volume", "inspect", name),
  createVolume: (name: string, options: Readonly<Record<string, string>>) => {
    const words = Object.entries(options).flatMap(([key, value]) => ["--opt", `${key}=${value}`]);
    return change("docker", "volume", "create", "--driver", "local", ...words, name);
  },

  directoryMode: (path: string) => read("stat", "-L", "-c", "%F %a", path),
} as const;
