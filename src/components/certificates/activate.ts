/** Notifies the consumers of new pairs: each declared command runs once, where it belongs, with a time limit. */
import type { Io } from "../../component.ts";
import { messageOf, NotReadyError, TransportError } from "../../errors.ts";
import { serverContainer } from "../../fabric/portainer-server.ts";
import { type Hook, type HookEffect, hookEffect, parseHook } from "../../formats/shell/hook.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Host } from "../../hosts/host.ts";
import type { Certificate, RoleGuest, Site } from "../../model.ts";
import { canonicalJson } from "../../resource.ts";
import { readPairs } from "./read.ts";
import { type Notification, recordNotification } from "./record.ts";

/** A reload takes milliseconds, a container's restart up to ten seconds; a command that waits for something may never end. */
const hookMs = 60_000;

type Outcome = Omit<Notification, "pair">;

/** A command that fails throws nothing: the failure is recorded, and the check of each of its certificates reports it. */
export async function activate(certificates: readonly Certificate[], io: Io): Promise<void> {
  const pairs = await readPairs(io, certificates);
  const outcomes = new Map<string, Promise<Outcome>>();
  for (const { certificate, identity, notification } of pairs) {
    if (notification?.pair === identity) continue;
    const all: Outcome[] = [];
    for (const hook of hooksOf(io.site, certificate)) {
      const key = canonicalJson(hook);
      const outcome = outcomes.get(key) ?? notify(hook, io);
      outcomes.set(key, outcome);
      all.push(await outcome);
    }
    const worst = all.find(({ failure }) => failure !== undefined) ?? all[0] ?? { atMs: 0 };
    const pair = worst.failure === undefined ? identity : "";
    await recordNotification(io.host("pve"), certificate, { ...worst, pair });
  }
}

/** Whom a new pair is told: the declared command, and the standby gateway, which reads the same files. */
export function hooksOf(site: Site, certificate: Certificate): readonly Hook[] {
  const { gatewayPair } = site;
  const own = hookOf(site, certificate);
  const standby =
    certificate.serves === "gateway" && gatewayPair !== undefined ? reloadOf(gatewayPair.standby) : undefined;
  return [own, standby].filter((hook) => hook !== undefined);
}

/** Without a declared command the gateway and Portainer are notified all the same: both read their files only once. */
function hookOf({ roles, portainer }: Site, { postRenewal, serves }: Certificate): Hook | undefined {
  if (postRenewal !== undefined) return parseHook(postRenewal.command);
  if (serves === "gateway" && roles.gateway !== undefined) return reloadOf(roles.gateway);
  if (serves !== "portainer" || portainer === undefined) return undefined;
  const container = serverContainer(portainer.compose.text);
  if (container === undefined) return undefined;
  return { host: portainer.guest.host, argv: ["docker", "restart", container] };
}

function reloadOf({ host }: RoleGuest): Hook {
  return { host, argv: ["systemctl", "reload", "nginx"] };
}

async function notify(hook: Hook, io: Io): Promise<Outcome> {
  const host = io.host(hook.host);
  const effect = hookEffect(hook.argv);
  const { kind, unit } = effect;
  const command = `\`${shown(hook)}\` on ${hook.host}`;
  try {
    const absent = await absence(host, effect);
    if (absent !== undefined) {
      io.note(`${absent}: it reads the new certificate when it starts`);
      return { atMs: 0 };
    }
    io.waiting(command, hookMs);
    const run = { argv: hook.argv, effect: "change", timeoutMs: hookMs } as const;
    const { exitCode, stdout, stderr } = await host.run(run);
    if (exitCode === 0) {
      io.activated({ kind, unit, host: hook.host });
      return { atMs: io.clock.now(), kind };
    }
    const output = lastLines(stderr) || lastLines(stdout);
    return { atMs: 0, failure: `${command} failed (exit ${exitCode})${output === "" ? "" : `: ${output}`}` };
  } catch (error) {
    // A missing guest is like one that is down: it must not cost the other certificates their pairs.
    if (!(error instanceof TransportError || error instanceof NotReadyError)) throw error;
    return { atMs: 0, failure: messageOf(error), unreached: true };
  }
}

/** Why the command has nothing to do, if so. */
export async function absence(host: Host, { needs, unit }: HookEffect): Promise<string | undefined> {
  const succeeds = async (...argv: readonly string[]): Promise<boolean> =>
    (await host.run({ argv, effect: "read" })).exitCode === 0;
  if (needs === "active-unit" && !(await succeeds("systemctl", "is-active", "--quiet", unit)))
    return `${unit} does not run on ${host.name}`;
  const inspect = ["docker", "container", "inspect", "--format", "{{.State.Status}}", unit];
  if (needs === "container" && !(await succeeds(...inspect))) return `${host.name} has no container ${unit}`;
  return undefined;
}

/** A command for a person to read; a long one is cut. */
function shown({ argv }: Hook): string {
  const words = argv.join(" ");
  return words.length > 80 ? `${words.slice(0, 77)}…` : words;
}
