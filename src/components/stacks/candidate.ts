/** Proving a stack before its running version is touched: Portainer up to 2.39 takes it down when its update fails. */
import type { ContainerState, EnvironmentState, StackState } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { ApiError, CandidateError, messageOf } from "../../errors.ts";
import { type ComposePort, readCompose } from "../../formats/compose/index.ts";
import type { StackTarget } from "./compile.ts";

/** A port that does not answer within this time counts as free: a filtered guest drops connections that nobody accepts. Milliseconds. */
const silentMs = 1_000;

/** A stack that Portainer has, and its Compose file. */
export interface LiveStack {
  readonly stack: StackState;
  readonly file: string;
}

/** @throws CandidateError that names what would fail; only images may have been pulled */
export async function prove(
  io: Io,
  target: StackTarget,
  environment: EnvironmentState,
  live: LiveStack | undefined,
  containers: readonly ContainerState[],
): Promise<void> {
  proveFile(target);
  const runs = new Set(containers.filter(({ state }) => state === "running").map(({ service }) => service));
  // Nothing is known about the ports of containers without a stack; they are about to be adopted.
  if (live !== undefined || containers.length === 0) await provePorts(io, target, live, runs);
  await proveImages(io, target, environment);
}

function proveFile({ stack, prepared, compose }: StackTarget): void {
  const [first, ...others] = prepared.faults.filter(({ severity }) => severity !== "warning");
  if (first === undefined && compose !== undefined) return;
  const place = first === undefined ? "" : `:${first.place.line}:${first.place.column}`;
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  throw new CandidateError(
    `stack ${stack.name} was not changed: ${stack.compose.file}${place}: ${first?.message ?? "not a Compose file"}${more}`,
    { hint: first?.hint ?? "`phoenix check` shows every problem with its place" },
  );
}

/** Ports that the new version publishes and the running one does not must be free. */
async function provePorts(
  io: Io,
  { stack, services }: StackTarget,
  live: LiveStack | undefined,
  runs: ReadonlySet<string>,
): Promise<void> {
  const variables = new Map(live?.stack.env.map(({ name, value }) => [name, value]));
  const before = live && readCompose(live.file, variables, stack.project).compose;
  // Only a container that runs holds its ports.
  const running = before?.services.filter(({ name }) => runs.has(name)) ?? [];
  const held = new Set(portsOf(running).map(keyOf));
  const wanted = portsOf(services).filter((port) => !held.has(keyOf(port)));
  const taken = await Promise.all(
    wanted.map(async ({ published = 0, hostIp: address = stack.guest.address }) => {
      if (address.startsWith("127.")) return [];
      return (await io.network.connect(address, published, silentMs)).ok ? [{ address, published }] : [];
    }),
  );
  const [first] = taken.flat();
  if (first === undefined) return;
  const port = `port ${first.published} of ${stack.guest.name} (${first.address})`;
  throw new CandidateError(`stack ${stack.name} was not changed: ${port} is already in use`, {
    hint: `\`docker ps\` on ${stack.guest.host} shows by whom, or choose another port in ${stack.compose.file}`,
  });
}

function portsOf(services: readonly { readonly ports: readonly ComposePort[] }[]): readonly ComposePort[] {
  return services
    .flatMap(({ ports }) => ports)
    .filter(({ published, protocol }) => published !== undefined && protocol === "tcp");
}

function keyOf({ published, hostIp }: ComposePort): string {
  return `${hostIp ?? ""}:${published}`;
}

async function proveImages(
  io: Io,
  { stack, services }: StackTarget,
  environment: EnvironmentState,
): Promise<void> {
  const images = new Set(services.flatMap(({ image }) => image ?? []));
  for (const image of images) {
    if (await io.apis.portainer.hasImage(environment.id, image)) continue;
    io.waiting(`image ${image} on ${stack.guest.name}`, 15 * 60_000);
    try {
      await io.apis.portainer.pullImage(environment.id, image);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const reason = `image ${image} cannot be pulled on ${stack.guest.name}: ${messageOf(error)}`;
      const hint = "check its name and tag; build or load an image without a registry on the machine first";
      throw new CandidateError(`stack ${stack.name} was not changed: ${reason}`, { hint, cause: error });
    }
  }
}
