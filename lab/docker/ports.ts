/** Ports of the machine that containers publish. Pure. */
import { DockerError, type LabContainer, type PublishedPort } from "./state.ts";

/** Where the kernel takes ports from that nobody asked for by number. */
const firstFreePort = 32_768;

/**
 * The ports a container gets when it starts; 0 becomes a free one.
 * @throws DockerError when a running container has one of them
 */
export function bindPorts(
  container: LabContainer,
  containers: readonly LabContainer[],
): readonly PublishedPort[] {
  const taken = new Set(
    containers
      .filter(({ id, state }) => id !== container.id && state === "running")
      .flatMap(({ ports }) => ports.map(({ host, protocol }) => `${host}/${protocol}`)),
  );
  return container.ports.map((port) => {
    let { host } = port;
    if (host === 0) for (host = firstFreePort; taken.has(`${host}/${port.protocol}`); ) host += 1;
    while (port.upTo !== undefined && host < port.upTo && taken.has(`${host}/${port.protocol}`)) host += 1;
    const key = `${host}/${port.protocol}`;
    if (!(host <= 65_535)) throw new DockerError(400, `invalid hostPort: ${host}`);
    if (taken.has(key))
      throw new DockerError(
        500,
        `driver failed programming external connectivity on endpoint ${container.name} (${container.id}): Bind for ${port.address}:${host} failed: port is already allocated`,
      );
    taken.add(key);
    return { ...port, host };
  });
}
