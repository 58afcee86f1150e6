/** What Docker 26.1 says of Swarms. */
import { DockerError } from "../state.ts";

export function notManager(isMember: boolean): DockerError {
  return new DockerError(
    503,
    isMember
      ? "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager."
      : 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
}

export function notMember(): DockerError {
  return new DockerError(503, "This node is not part of a swarm");
}

export function alreadyMember(): DockerError {
  return new DockerError(
    503,
    'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.',
  );
}

/** Both the API's answer and what `/info` has as its error. */
export const noLeader =
  "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.";

/** An answer of the managers: the code is gRPC's, the status what the engine makes of it. */
export function rpc(code: keyof typeof statuses, words: string): DockerError {
  return new DockerError(statuses[code], `rpc error: code = ${code} desc = ${words}`);
}

const statuses = {
  InvalidArgument: 400,
  FailedPrecondition: 400,
  NotFound: 404,
  AlreadyExists: 409,
  Unknown: 500,
  PermissionDenied: 403,
  Unimplemented: 501,
  Unavailable: 503,
} as const;

export function outOfSequence(): DockerError {
  return rpc("Unknown", "update out of sequence");
}

/** The version that an update must name. @throws DockerError */
export function versionIn(what: string, text: string | null): number {
  if (text !== null && /^\d+$/.test(text)) return Number(text);
  throw new DockerError(
    400,
    `invalid ${what} version '${text ?? ""}': strconv.ParseUint: parsing ${JSON.stringify(text ?? "")}: invalid syntax`,
  );
}

/** The name of a service or network. @throws DockerError */
export function checkName(name: string): void {
  if (!/^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$/.test(name))
    throw rpc("InvalidArgument", "name must be valid as a DNS name component");
  if (name.length > 63) throw rpc("InvalidArgument", "name must be 63 characters or fewer");
}
