/** Boundaries in paths (src/hosts/host.ts), acted out: "/tank/share/./stacks/x" has no symbolic link below /tank/share. */
import type { HostName } from "../../src/resource.ts";
import { failed, type Lab } from "../parts.ts";

const mark = "/./";

/** The first symbolic link below the boundary, up to the path itself; undefined where there is none, or no boundary. */
export function linkBelow({ files }: Pick<Lab, "files">, host: HostName, path: string): string | undefined {
  const at = path.indexOf(mark);
  if (at < 0) return undefined;
  let place = path.slice(0, at);
  for (const name of path.slice(at + mark.length).split("/")) {
    place = `${place}/${name}`;
    if (files.linkTarget(host, place) !== undefined) return place;
  }
  return undefined;
}

/** The same for the directory that holds the path. */
export function linkToParent(lab: Pick<Lab, "files">, host: HostName, path: string): string | undefined {
  return linkBelow(lab, host, path.slice(0, path.lastIndexOf("/")));
}

/** How a script ends that has found one. */
export function refused(link: string): ReturnType<typeof failed> {
  return failed(88, `${link} is a symbolic link`);
}
