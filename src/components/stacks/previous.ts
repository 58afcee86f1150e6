/** The state of a stack before a run changed it, so that it can be restored: plans contain fingerprints only. */
import type { StackAccess, StackDefinition } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import type { FileState } from "../../hosts/host.ts";
import type { HostPath } from "../../model.ts";
import type { ResourceId } from "../../resource.ts";
import type { MadeContainer } from "./made.ts";

export interface Previous {
  readonly environmentId: number;
  readonly project: string;
  /** The previous stack; absent when it did not exist. */
  readonly definition?: StackDefinition;
  /** The project's containers ran without a stack in Portainer. */
  readonly adopted: boolean;
  /** Files of the stack's directory, including absent ones. */
  readonly share: HostPath;
  readonly files: ReadonlyMap<string, FileState | undefined>;
  /** Names of services that had containers. */
  readonly services: readonly string[];
  /** The containers of its services; undefined where the machine's Docker did not answer. */
  readonly made: readonly MadeContainer[] | undefined;
  /** Containers that were stopped to make room. */
  readonly stopped: string[];
  /** Who owned it; absent where the site says nothing about owners. */
  access?: StackAccess;
  /** Whether Portainer was asked to change anything. */
  sent: boolean;
}

const remembered = new WeakMap<Io, Map<ResourceId, Previous>>();

export function remember(io: Io, id: ResourceId, previous: Previous): void {
  const known = remembered.get(io) ?? new Map<ResourceId, Previous>();
  remembered.set(io, known.set(id, previous));
}

export function previousOf(io: Io, id: ResourceId): Previous | undefined {
  return remembered.get(io)?.get(id);
}
