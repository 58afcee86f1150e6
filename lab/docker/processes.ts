/** What the main process of a container does when it starts: most run, some end at once. */
import { type ProcessFiles, type ProcessStart, startPortainerProcess } from "../portainer/process.ts";
import type { ContainerSpec } from "./state.ts";

export function startProcess(spec: ContainerSpec, files: ProcessFiles): ProcessStart {
  const { image } = spec;
  // For tests of what happens to a container that does not stay up.
  if (image.includes("exits")) return { exitCode: 1, log: ["fatal: the process ends at once"] };
  return isPortainer(image) ? startPortainerProcess(spec, files) : { log: [`${image} is ready`] };
}

/** A Portainer server: its API is on the container's ports 9443 (TLS) and 9000. */
export function isPortainer(image: string): boolean {
  return /(^|\/)portainer\/portainer(-ce|-ee)?([:@]|$)/.test(image);
}

/** A Portainer agent: its API is on the container's port 9001 (TLS). */
export function isAgent(image: string): boolean {
  return /(^|\/)portainer\/agent([:@]|$)/.test(image);
}
