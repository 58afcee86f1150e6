/** Proving a stack before its running version is touched: Portainer up to 2.39 takes it down when its update fails. */
import type { EnvironmentState, RegistryState } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { ApiError, CandidateError, messageOf } from "../../errors.ts";
import { registryOf } from "../../formats/docker/registries.ts";
import { containersOn, described, portHeld } from "../foreign/containers.ts";
import { proveByCompose } from "./compose-config.ts";
import type { StackTarget } from "./facts.ts";
import { needsOf } from "./hazards.ts";

/** @throws CandidateError that names what would fail; only images may have been pulled */
export async function prove(io: Io, target: StackTarget, environment: EnvironmentState): Promise<void> {
  proveFile(target);
  await proveByCompose(io, target);
  await provePorts(io, target);
  await proveImages(io, target, environment);
}

/** @throws CandidateError for a file that Compose, or the Swarm, would refuse */
export function proveFile({ stack, prepared, compose }: StackTarget): void {
  const [first, ...others] = prepared.faults.filter(({ severity }) => severity !== "warning");
  if (first === undefined && compose !== undefined) return;
  const place = first === undefined ? "" : `:${first.place.line}:${first.place.column}`;
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  throw new CandidateError(
    `stack ${stack.name} was not changed: ${stack.compose.file}${place}: ${first?.message ?? "not a Compose file"}${more}`,
    { hint: first?.hint ?? "`phoenix check` shows every problem with its place" },
  );
}

/** Ports are asked of the machine. Containers of the stack's own project give theirs up, whether the live file has them or not. */
async function provePorts(io: Io, target: StackTarget): Promise<void> {
  const { stack } = target;
  const needs = needsOf(target);
  for (const container of await containersOn(io.host(stack.guest.host))) {
    const port = container.project === stack.project ? undefined : portHeld(container, needs);
    if (port === undefined) continue;
    const message = `port ${port} of ${stack.guest.name} (${stack.guest.address}) is already in use by ${described(container)}`;
    throw new CandidateError(`stack ${stack.name} was not changed: ${message}`, {
      hint: `stop it, or choose another port in ${stack.compose.file}`,
    });
  }
}

async function proveImages(
  io: Io,
  { stack, services }: StackTarget,
  environment: EnvironmentState,
): Promise<void> {
  const images = new Set(services.flatMap(({ image }) => image ?? []));
  let registries: readonly RegistryState[] | undefined;
  for (const image of images) {
    if (await io.apis.portainer.hasImage(environment.id, image)) continue;
    io.waiting(`image ${image} on ${stack.guest.name}`, 15 * 60_000);
    try {
      registries ??= await io.apis.portainer.registries();
      await io.apis.portainer.pullImage(environment.id, image, registryOf(image, registries)?.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const reason = `image ${image} cannot be pulled on ${stack.guest.name}: ${messageOf(error)}`;
      const hint = /denied|unauthori[sz]ed|credentials|authentication required/i.test(error.message)
        ? "check its name and tag; a private registry must be declared in portainer_api.registries, or added in Portainer, with a user who may pull it"
        : "check its name and tag; build or load an image without a registry on the machine first";
      throw new CandidateError(`stack ${stack.name} was not changed: ${reason}`, { hint, cause: error });
    }
  }
}
