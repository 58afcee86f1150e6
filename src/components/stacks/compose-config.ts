/** The machine's own Docker Compose judges a candidate: versions differ in what they refuse. */
import type { Io } from "../../component.ts";
import { CandidateError } from "../../errors.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Command, Host } from "../../hosts/host.ts";
import type { StackTarget } from "./facts.ts";

const hasCompose: Command = { argv: ["docker", "compose", "version", "--short"], effect: "read" };

/** Judges the file on standard input; Compose would read a `.env` of the working directory if no file were named. */
const config = (project: string, variables: string, file: string): Command => ({
  argv: [
    ...["docker", "compose", "--project-name", project, "--project-directory", "/"],
    ...["--env-file", variables, "--file", "-", "config", "--quiet"],
  ],
  stdin: file,
  effect: "read",
});

/**
 * Asks the machine's Compose about the file as it would be sent. A machine without the plugin is not asked: Portainer brings
 * its own Compose.
 * @throws CandidateError with Compose's words
 */
export async function proveByCompose(io: Io, target: StackTarget): Promise<void> {
  const { stack, prepared, env } = target;
  const host = io.host(stack.guest.host);
  if ((await host.run(hasCompose)).exitCode !== 0) return;
  const text = env.map(({ name, value }) => `${name}=${value}\n`).join("");
  const { exitCode, stderr } = await withFile(host, `/run/phoenix/${stack.project}.env`, text, (path) =>
    host.run(config(stack.project, path, prepared.text)),
  );
  if (exitCode === 0) return;
  const words = lastLines(stderr);
  throw new CandidateError(
    `stack ${stack.name} was not changed: Docker Compose on ${stack.guest.name} refuses ${stack.compose.file}: ${words}`,
    { hint: `correct the file, or update Docker Compose on ${stack.guest.host}` },
  );
}

/** Uses a file that root alone can read; its variables may be secrets. */
async function withFile<T>(
  host: Host,
  path: string,
  text: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  try {
    await host.writeFiles([{ path, text, mode: "600" }]);
    return await use(path);
  } finally {
    await host.remove([path]);
  }
}
