/** The services of a stack's Compose file, and which of them answer at a port of their machine. Pure. */
import {
  type Compose,
  type ComposePort,
  type ComposeService,
  readCompose,
} from "../formats/compose/index.ts";
import type { Stack } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import { memo } from "./memo.ts";

/** A service of a stack, and the line that declares it. */
export interface PublishedService
  extends Pick<ComposeService, "name" | "ports" | "networkMode" | "profiles" | "healthcheck"> {
  readonly from: SourceRef;
}

/** What a stack's Compose file declares before it is prepared; undefined when it is not a Compose file. */
export const declaredCompose = memo((stack: Stack): Compose | undefined => {
  const variables = new Map(stack.variables.map(({ name, value }) => [name, value.reveal()]));
  return readCompose(stack.compose.text, variables, stack.project).compose;
});

/** Every service that the stack runs, in the order of its file. */
export const stackServices = memo((stack: Stack): readonly PublishedService[] => {
  return (
    declaredCompose(stack)?.services.map((service) => ({
      ...service,
      from: { file: stack.compose.file, ...service.place },
    })) ?? []
  );
});

/**
 * The services that answer at a port: the one that publishes it and those in its network. Where none publishes it, those in the
 * machine's own network; where there are none either, all.
 */
export function servicesAt(stack: Stack, port: number): readonly PublishedService[] {
  const all = stackServices(stack);
  const publisher = all.find(({ ports }) => publishes(ports, port));
  if (publisher !== undefined)
    return all.filter((each) => each === publisher || each.networkMode === `service:${publisher.name}`);
  const onHost = all.filter(({ networkMode }) => networkMode === "host");
  return onHost.length > 0 ? onHost : all;
}

function publishes(ports: readonly ComposePort[], port: number): boolean {
  return ports.some(({ published, protocol }) => published === port && protocol === "tcp");
}
