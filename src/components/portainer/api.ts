/** Portainer through its own API: waiting for it, its administrator, its environments. */
import type { PortainerStatus } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { CandidateError, InterruptedError, PhoenixError, TransportError } from "../../errors.ts";
import type { Portainer, PortainerEnvironment } from "../../model.ts";
import { poll } from "../../poll.ts";
import type { Change } from "../../resource.ts";
import { commands } from "./commands.ts";
import { declaredServer, environmentFor, type Settings } from "./compile.ts";
import { mustRun } from "./container.ts";
import { passwordFiles, writePrivate } from "./secrets.ts";

/** From a container's start to its first answer: it may have to migrate its database first. Milliseconds. */
const startMs = 90_000;
/** For a container that has run for longer than that. Milliseconds. */
const graceMs = 3_000;
const pauseMs = 250;
/** Answers asked for between two looks at the container. */
const triesPerLook = 8;

const isForeign = (status: PortainerStatus): boolean =>
  status.state === "down" && /certificate/i.test(status.reason);

/**
 * Waits until the API answers. A Portainer that closed itself because it got no administrator is restarted, once; so is one
 * that presents another certificate than it was given, because it reads its files only when it starts.
 * @throws CommandError when its container does not stay up, TransportError when the time is up
 */
export async function waitForServer(io: Io, portainer: Portainer): Promise<void> {
  const { container } = declaredServer(portainer);
  const { address, host: name } = portainer.guest;
  const host = io.host(name);
  const { clock } = io;
  const answer = (forMs: number, isDone: (status: PortainerStatus) => boolean): Promise<PortainerStatus> => {
    let tries = 0;
    const look = async (): Promise<PortainerStatus> => {
      const status = await io.apis.portainer.status();
      tries += 1;
      if (status.state !== "up" && tries % triesPerLook === 0) await mustRun(host, container);
      return status;
    };
    return poll({ clock, forMs, pauseMs }, look, (status) => status.state === "up" || isDone(status));
  };

  const { startedMs } = await mustRun(host, container);
  const forMs = Math.max(startedMs + startMs - clock.now(), graceMs);
  io.waiting("Portainer's API", forMs);
  let status = await answer(forMs, (seen) => seen.state === "timed-out" || isForeign(seen));
  if (status.state === "timed-out" || isForeign(status)) {
    await host.expect(commands.restart(container));
    io.activated({ kind: "restart", unit: container, host: name });
    const restartedMs = clock.now();
    status = await answer(startMs, (seen) => isForeign(seen) && clock.now() >= restartedMs + graceMs);
  }
  if (status.state === "up") return;
  const target = `https://${address}:${portainer.port}`;
  const reason = status.state === "down" ? status.reason : "it waits for an administrator";
  throw new TransportError(`portainer ${target}`, `Portainer does not answer at ${target}: ${reason}`, {
    hint: `\`docker logs ${container}\` on ${name} shows why; the firewall must let the hypervisor in`,
  });
}

/** Creates a missing administrator, replaces the password that worked last by the configured one, and proves the login. */
export async function applyAdministrator(change: Change, portainer: Portainer, io: Io): Promise<void> {
  if (change.verb === "delete" || change.desired.unread) return;
  await waitForServer(io, portainer);
  const { adminUser, adminPassword, guest } = portainer;
  const api = io.apis.portainer;
  const exists = await api.adminExists();
  if (!exists) {
    if (adminPassword === undefined)
      throw new CandidateError("Portainer has no administrator yet, and the site has no password for one", {
        hint: "give portainer_api.admin_password",
      });
    await api.createAdmin(adminUser, adminPassword);
  }
  const isRotated = (await api.login()) === "previous";
  if (isRotated) await api.rotatePassword();
  // Only now: until then the file has the password that works.
  await writePrivate(io.host(guest.host), passwordFiles(portainer));
  if (exists && !isRotated && wasUnknown(change)) io.unchanged(change.desired.id);
}

/** What Portainer had while it was stopped shows when it runs: it is not counted as changed. */
function wasUnknown(change: Change): boolean {
  return change.verb === "update" && change.live.unread === true;
}

/** A Portainer that does not answer has no known registration. */
async function isRegistered(io: Io, name: string): Promise<boolean> {
  try {
    return (await io.apis.portainer.environments()).some((each) => each.name === name);
  } catch (error) {
    if (error instanceof PhoenixError && !(error instanceof InterruptedError)) return false;
    throw error;
  }
}

export async function applyEnvironment(
  change: Change,
  environment: PortainerEnvironment,
  io: Io,
): Promise<void> {
  if (change.verb === "delete") {
    // Removing it would orphan stacks that were deployed meanwhile; a spare registration does no harm.
    if (await isRegistered(io, environment.name))
      io.note(`the environment ${environment.name} stays registered in Portainer`);
    return;
  }
  if (change.desired.unread) return;
  const { name, kind, url } = JSON.parse(change.desired.text) as Settings;
  const live = await io.apis.portainer.environments();
  const same = io.site.portainer && environmentFor(io.site.portainer, { name, kind, url }, live);
  const isSame = same?.name === name && same.url === url;
  if (isSame && same.tls === (kind === "agent") && wasUnknown(change)) return io.unchanged(change.desired.id);
  if (same === undefined) await io.apis.portainer.createEnvironment({ name, kind, url });
  else await io.apis.portainer.updateEnvironment(same.id, { name, kind, url });
}
