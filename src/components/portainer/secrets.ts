/** Secrets that containers need, in files that only root can read. They are never part of a command. */
import type { Io } from "../../component.ts";
import type { FileState, FileWrite, Host } from "../../hosts/host.ts";
import type { Portainer } from "../../model.ts";
import type { Secret } from "../../secret.ts";
import { paths, usesPasswordFile } from "./compile.ts";
import type { Container } from "./container.ts";

/** Proves to agents that a server is theirs: one secret for the whole site, so that they accept a recreated server. */
export function agentSecret(io: Io): Promise<Secret> {
  return io.generatedSecret("portainer-agent");
}

const name = "AGENT_SECRET";

export function secretState(container: Pick<Container, "env">, secret: Secret): string {
  const value = container.env.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  if (value === undefined) return "none";
  return value === secret.reveal() ? "as generated" : "another";
}

/** The paths of `serverFiles`, known before the secret is. */
export const serverPaths: readonly string[] = [paths.serverEnvironment, paths.adminPassword];

export function serverFiles(portainer: Portainer, secret: Secret): readonly FileWrite[] {
  const files = [privateFile(paths.serverEnvironment, `${name}=${secret.reveal()}\n`)];
  if (usesPasswordFile(portainer)) files.push(...passwordFiles(portainer));
  return files;
}

/** The file with the administrator's password, when one is configured. */
export function passwordFiles({ adminPassword }: Portainer): readonly FileWrite[] {
  return adminPassword === undefined ? [] : [privateFile(paths.adminPassword, `${adminPassword.reveal()}\n`)];
}

/** The agent's variable, for the specification of a service. */
export function agentVariable(secret: Secret): string {
  return `${name}=${secret.reveal()}`;
}

export function agentFiles(secret: Secret): readonly FileWrite[] {
  return [privateFile(paths.agentEnvironment, `${agentVariable(secret)}\n`)];
}

function privateFile(path: string, text: string): FileWrite {
  return { path, text, mode: "600", owner: "root:root" };
}

/** The files that are not as they should be. @param there what was read at their paths */
export function differing(
  there: ReadonlyMap<string, FileState>,
  files: readonly FileWrite[],
): readonly FileWrite[] {
  return files.filter(({ path, text, mode }) => {
    const file = there.get(path);
    return file?.text !== text || (mode !== undefined && file.mode !== mode);
  });
}

/** The server's files that are missing or differ. A password that differs is the one that worked last: it stays until it is rotated. */
export function staleServerFiles(
  there: ReadonlyMap<string, FileState>,
  files: readonly FileWrite[],
): readonly FileWrite[] {
  return differing(there, files).filter(({ path }) => path !== paths.adminPassword || !there.has(path));
}

/** @param stale which of the files to write, from what is at their paths */
export async function writePrivate(
  host: Host,
  files: readonly FileWrite[],
  stale: typeof differing = differing,
): Promise<void> {
  const there = await host.readFiles(files.map(({ path }) => path));
  const missing = stale(there, files);
  if (missing.length === 0) return;
  await host.expect({ argv: ["mkdir", "-p", "-m", "700", paths.directory], effect: "change" });
  await host.writeFiles(missing);
}
