/** Docker in all guests: engines, Portainer, and Compose projects with their files. */
import type { FoundDocker, FoundPortainer } from "../found/docker.ts";
import type {} from "../found.ts";
import { readPortainer } from "./portainer.ts";
import { readProjects } from "./projects.ts";
import type { Reader } from "./reader.ts";

export const readDocker: Reader<FoundDocker> = async (io, guests, engines) => {
  const portainer = await readPortainer(io, guests, engines);
  const projects = await Promise.all(
    engines.map((engine) => readProjects(io, engine, (path) => inData(portainer, path))),
  );
  return { engines, portainer, projects: projects.flat() };
};

/** A file of Portainer's data on its machine, where the API does not tell its content. */
function inData(
  [server, another]: readonly FoundPortainer[],
  path: string,
): { readonly host: FoundPortainer["host"]; readonly path: string } | undefined {
  if (server === undefined || another !== undefined || server.state !== undefined) return undefined;
  const data = server.container.mounts.find(({ target }) => target === "/data")?.source;
  return data === undefined ? undefined : { host: server.host, path: `${data}${path.slice("/data".length)}` };
}
