/** The server: its storage, its compose file, its container. Data is never removed, neither volumes nor directories. */
import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { CandidateError, CommandError, NotReadyError } from "../../errors.ts";
import { shareDirectory } from "../../fabric/guests.ts";
import { serverProject } from "../../fabric/portainer-server.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import { type FileWrite, type Host, ownerNotSet } from "../../hosts/host.ts";
import type { Portainer } from "../../model.ts";
import type { Change } from "../../resource.ts";
import { waitForServer } from "./api.ts";
import { commands } from "./commands.ts";
import { compile, composeOf, composePlaces, directoriesOf, type Server, volumesOf } from "./compile.ts";
import { definitionIn, directoryOf, type ServerCompose } from "./compose.ts";
import { type Container, inspect, provideImage } from "./container.ts";
import { agentSecret, serverFiles, staleServerFiles, writePrivate } from "./secrets.ts";

/** Owner of new data directories: what root of an NFS client becomes where its export does not trust root. */
const dataOwner = "nobody:nogroup";

/** Creates what is missing. A rollback keeps it: an empty directory does no harm, a full one is somebody's data. */
export async function applyStorage(change: Change, portainer: Portainer, io: Io): Promise<void> {
  if (change.verb === "delete") return;
  const { host: place, path } = shareDirectory(io.site, portainer.guest, portainer.share);
  const host = io.host(place);
  for (const directory of directoriesOf(portainer)) {
    const whole = `${path}/${directory.path}`;
    if ((await host.run(commands.directoryMode(whole))).exitCode === 0) continue;
    const owner = directory.private ? dataOwner : undefined;
    try {
      await host.makeDirectory(whole, defined({ mode: directory.mode, owner }));
    } catch (error) {
      if (!(error instanceof CommandError) || error.commandExitCode !== ownerNotSet) throw error;
      io.note(`${whole} on ${place} belongs to root: the NFS server does not allow changing its owner`);
    }
  }
  const machine = io.host(portainer.guest.host);
  for (const { name, options } of volumesOf(portainer)) {
    if ((await machine.run(commands.volume(name))).exitCode === 0) continue;
    await machine.expect(commands.createVolume(name, options));
  }
}

export async function applyServer(change: Change, portainer: Portainer, io: Io): Promise<void> {
  const declared = composeOf(portainer);
  if ("fault" in declared)
    throw new CandidateError(`${portainer.compose.file} cannot run Portainer: ${declared.fault}`, {
      hint: "it must declare a service with an image of portainer/portainer-ce",
    });
  const { compose } = declared;
  const places = composePlaces(io.site, portainer);
  // A foreign container, to which a rollback leads back, has no definition.
  const isGone =
    change.verb === "delete" || (JSON.parse(change.desired.text) as Partial<Server>).definition === "";
  if (isGone) {
    await io.host(portainer.guest.host).run(commands.down(places.seen));
    await io.host(places.written.host).remove([places.written.path]);
    return;
  }
  const wanted = compile(io.site).find(({ id }) => id === change.desired.id);
  if (change.desired.text === wanted?.text) return deploy(compose, portainer, io);
  const { definition } = JSON.parse(change.desired.text) as Partial<Server>;
  await restore(definition, portainer, io);
}

async function deploy(compose: ServerCompose, portainer: Portainer, io: Io): Promise<void> {
  const host = io.host(portainer.guest.host);
  const { written, seen } = composePlaces(io.site, portainer);
  const before = await inspect(host, compose.container);
  refuseForeign(before, compose, host);
  await requireCertificate(host, portainer);
  await writePrivate(host, serverFiles(portainer, await agentSecret(io)), staleServerFiles);
  await provideImage(host, compose.image);
  const { exitCode, stderr } = await host.run(commands.check(directoryOf(seen), compose.text));
  if (exitCode !== 0)
    throw new CandidateError(`docker compose refuses ${portainer.compose.file}: ${lastLines(stderr)}`);
  await writeCompose(io.host(written.host), written.path, compose.text);
  await up(compose, before, portainer, io);
}

/** Another project's container with that name has its data elsewhere: replacing it would start an empty Portainer. */
function refuseForeign(found: Container | undefined, { container }: ServerCompose, host: Host): void {
  if (found === undefined || found.labels["com.docker.compose.project"] === serverProject) return;
  const message = `${host.name} has a container ${container} that the Compose project ${serverProject} did not create`;
  const hint = `find out where its data is, then remove it: \`docker rm --force ${container}\` (its volumes stay)`;
  throw new CandidateError(message, { hint });
}

async function requireCertificate(host: Host, { certificate }: Portainer): Promise<void> {
  const { certPath, keyPath } = certificate.inGuest;
  const there = await host.readFiles([certPath, keyPath]);
  const missing = [certPath, keyPath].filter((path) => !there.has(path));
  if (missing.length === 0) return;
  const hint = "`phoenix sync certificates` issues it; the guest must mount the share with it";
  const message = `Portainer's certificate is not on ${host.name}: ${missing.join(" and ")} missing`;
  throw new NotReadyError(message, { hint });
}

const previousOf = (path: string): string => `${path}.previous`;

async function writeCompose(host: Host, path: string, text: string): Promise<void> {
  const there = (await host.readFiles([path])).get(path)?.text;
  if (there === text) return;
  const files: FileWrite[] = [{ path, text, mode: "644" }];
  if (there !== undefined) files.unshift({ path: previousOf(path), text: there, mode: "644" });
  await host.writeFiles(files);
}

/** Compose recreates the container when its definition or a variable of it differs, and leaves it alone otherwise. */
async function up(
  { container }: Pick<ServerCompose, "container">,
  before: Container | undefined,
  portainer: Portainer,
  io: Io,
): Promise<void> {
  const host = io.host(portainer.guest.host);
  await host.expect(commands.up(composePlaces(io.site, portainer).seen));
  const after = await inspect(host, container);
  if (before !== undefined && (after?.id !== before.id || after.startedMs !== before.startedMs))
    io.activated({ kind: "restart", unit: container, host: host.name });
  await waitForServer(io, portainer);
}

/** The previous container, from the Compose file that was kept. */
async function restore(definition: string | undefined, portainer: Portainer, io: Io): Promise<void> {
  const { written } = composePlaces(io.site, portainer);
  const host = io.host(written.host);
  const files = await host.readFiles([written.path, previousOf(written.path)]);
  const previous = files.get(previousOf(written.path))?.text;
  // Nothing was replaced yet, or the previous file is unknown.
  if (definition === undefined || previous === undefined || definitionIn(previous) !== definition) return;
  if (files.get(written.path)?.text === previous) return;
  const declared = composeOf(portainer);
  if ("fault" in declared) return;
  const before = await inspect(io.host(portainer.guest.host), declared.compose.container);
  await host.writeFiles([{ path: written.path, text: previous, mode: "644" }]);
  await up(declared.compose, before, portainer, io);
}
