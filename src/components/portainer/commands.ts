/** The commands that run for Portainer on its virtual machines. None contains a secret. */
import { serverProject } from "../../fabric/portainer-server.ts";
import type { Command } from "../../hosts/host.ts";

/** A large image over a slow line. Milliseconds. */
const pullMs = 15 * 60_000;

/** Creating a container, and stopping the previous one, which takes ten seconds. Milliseconds. */
const upMs = 180_000;

const compose = (file: string, ...rest: readonly string[]): readonly string[] => [
  "docker",
  "compose",
  "--project-name",
  serverProject,
  "--file",
  file,
  ...rest,
];

export const commands = {
  inspect: (container: string): Command => ({
    argv: ["docker", "container", "inspect", container],
    effect: "read",
  }),
  log: (container: string): Command => ({
    argv: ["docker", "logs", "--tail", "5", container],
    effect: "read",
  }),
  restart: (container: string): Command => ({
    argv: ["docker", "restart", container],
    effect: "change",
    timeoutMs: upMs,
  }),
  removeContainer: (container: string): Command => ({
    argv: ["docker", "rm", "--force", container],
    effect: "change",
    timeoutMs: upMs,
  }),

  hasImage: (image: string): Command => ({
    argv: ["docker", "image", "inspect", "--format", "{{.Id}}", image],
    effect: "read",
  }),
  pull: (image: string): Command => ({
    argv: ["docker", "pull", "--quiet", image],
    effect: "change",
    timeoutMs: pullMs,
  }),

  /** Compose's own checker, on a candidate from standard input. */
  check: (directory: string, candidate: string): Command => ({
    argv: [...compose("-", "--project-directory", directory), "config", "--quiet"],
    stdin: candidate,
    effect: "read",
  }),
  up: (file: string): Command => ({
    argv: compose(file, "up", "--detach"),
    effect: "change",
    timeoutMs: upMs,
  }),
  /** Containers and networks; volumes stay. */
  down: (file: string): Command => ({ argv: compose(file, "down"), effect: "change", timeoutMs: upMs }),

  volume: (name: string): Command => ({ argv: ["docker", "volume", "inspect", name], effect: "read" }),
  createVolume: (name: string, options: Readonly<Record<string, string>>): Command => ({
    argv: [
      "docker",
      "volume",
      "create",
      "--driver",
      "local",
      ...Object.entries(options).flatMap(([key, value]) => ["--opt", `${key}=${value}`]),
      name,
    ],
    effect: "change",
  }),

  directoryMode: (path: string): Command => ({ argv: ["stat", "-L", "-c", "%F %a", path], effect: "read" }),
  makeDirectory: (path: string, mode: string): Command => ({
    argv: ["mkdir", "-p", "-m", mode, path],
    effect: "change",
  }),
  giveTo: (path: string, owner: string): Command => ({ argv: ["chown", owner, path], effect: "change" }),
} as const;
