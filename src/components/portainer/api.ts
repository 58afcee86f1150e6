/** What is done through Portainer's own API: waiting for it, its administrator, its environments. */
import type { Io } from "../../component.ts";
import { InterruptedError, PhoenixError, TransportError } from "../../errors.ts";
import type { Portainer, PortainerEnvironment } from "../../model.ts";
import type { Change } from "../../resource.ts";
import { commands } from "./commands.ts";
import { composeOf, isUnread, type Settings } from "./compile.ts";
import { mustRun } from "./container.ts";

/** From a container's start to its first answer: a database may have to be migrated first. Milliseconds. */
const startMs = 90_000;
/** A container that has run for longer than that has had its time. Milliseconds. */
const graceMs = 3_000;
const pauseMs = 250;
/** The container is looked at once in so many tries. */
const triesPerLook = 8;

/**
 * Waits until the API answers. A Portainer that closed itself for want of an administrator is restarted, once; so is one
 * that shows another certificate than it was given, because it reads its files at a start only.
 * @throws CommandError when its container does not stay up, TransportError when the time is up
 */
export async function waitForServer(io: Io, portainer: Portainer): Promise<void> {
  const declared = composeOf(portainer);
  const container = "fault" in declared ? "" : declared.compose.container;
  const host = io.host(portainer.guest.host);
  let { startedMs } = await mustRun(host, container);
  let restarted = false;
  let told = false;
  const begun = io.clock.now();
  for (let tries = 0; ; tries += 1) {
    const status = await io.apis.portainer.status();
    if (status.state === "up") return;
    const stranger = status.state === "down" && /certificate/i.test(status.reason);
    if ((status.state === "timed-out" || stranger) && !restarted) {
      restarted = true;
      await host.expect(commands.restart(container));
      io.activated({ kind: "restart", unit: container, host: host.name });
      startedMs = io.clock.now();
    }
    if (tries % triesPerLook === triesPerLook - 1) await mustRun(host, container);
    const now = io.clock.now();
    const deadline = Math.max(startedMs + (stranger ? graceMs : startMs), begun + graceMs);
    if (now >= deadline) {
      const { address, host: name } = portainer.guest;
      const reason = status.state === "down" ? status.reason : "it waits for an administrator";
      const hint = `\`docker logs ${container}\` on ${name} says what it does; the firewall must let the hypervisor in`;
      const target = `https://${address}:${portainer.port}`;
      throw new TransportError(`portainer ${target}`, `Portainer does not answer at ${target}: ${reason}`, {
        hint,
      });
    }
    if (!told) io.waiting("Portainer's API", deadline - now);
    told = true;
    await io.clock.sleep(pauseMs);
  }
}

/** Makes the administrator where there is none, and proves the login. Another password is left as it is. */
export async function applyAdministrator(change: Change, portainer: Portainer, io: Io): Promise<void> {
  if (change.verb === "delete" || isUnread(change.desired)) return;
  await waitForServer(io, portainer);
  const { adminUser, adminPassword } = portainer;
  if (!(await io.apis.portainer.adminExists())) await io.apis.portainer.createAdmin(adminUser, adminPassword);
  await io.apis.portainer.login();
}

/** The environment that Portainer makes of `-H` by itself when it has no other (2.19 to 2.45). */
const firstName = "primary";

/** What does not answer has told nobody of a registration. */
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
    // Removing it would orphan stacks that were deployed meanwhile; a registration too many harms nobody.
    const isThere = await isRegistered(io, environment.name);
    if (isThere) io.note(`the environment ${environment.name} stays registered in Portainer`);
    return;
  }
  if (isUnread(change.desired)) return;
  const wanted = JSON.parse(change.desired.text) as Settings;
  const { name, kind, url } = wanted;
  const all = await io.apis.portainer.environments();
  const declared = new Set((io.site.portainer?.environments ?? []).map((each) => each.name));
  const same =
    all.find((each) => each.name === name && each.kind === kind) ??
    all.find(
      (each) =>
        kind === "local" &&
        each.kind === kind &&
        each.url === url &&
        each.name === firstName &&
        !declared.has(firstName),
    );
  if (same === undefined) await io.apis.portainer.createEnvironment({ name, kind, url });
  else await io.apis.portainer.updateEnvironment(same.id, { name, kind, url });
}
