/** Which images a site's machines need, and what a container of each one does. Pure. */
import { isAgent, isPortainer } from "../../lab/docker/processes.ts";

export interface ServicePort {
  readonly port: number;
  readonly tls: boolean;
}

/** What is known of an image from where it is used. */
export interface WantedImage {
  /** "qdrant/qdrant:latest"; the tag may be missing. */
  readonly name: string;
  /** Where a container of it must listen; none for Portainer and its agent, which know their own. */
  readonly ports: readonly ServicePort[];
}

/** A part of an image: what lies in its file system. */
export type LayerName = "node" | "compose" | "portainer" | "agent" | "service";

export interface Image {
  /** With a tag. */
  readonly name: string;
  readonly layers: readonly LayerName[];
  readonly env: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly exposed: readonly number[];
}

/** Images that contain a system and run no server: the command of their containers decides. */
const systems = /^(?:alpine|busybox|debian|ubuntu)(?::|$)/;

/** One image for each name, however often it is wanted. */
export function imagesOf(wanted: readonly WantedImage[]): readonly Image[] {
  const names = [...new Set(wanted.map(({ name }) => tagged(name)))].sort();
  return names.map((name) =>
    imageOf(
      name,
      wanted.filter((each) => tagged(each.name) === name).flatMap(({ ports }) => ports),
    ),
  );
}

function imageOf(name: string, ports: readonly ServicePort[]): Image {
  const tag = name.slice(name.lastIndexOf(":") + 1);
  const program = (file: string) => ["/usr/bin/node", `/usr/lib/testbed/${file}.mjs`];
  const env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  if (systems.test(name)) return { name, layers: ["node"], env, command: ["sh"], exposed: [] };
  if (isPortainer(name))
    return {
      name,
      layers: ["node", "compose", "portainer"],
      env: [...env, `PHOENIX_TESTBED_TAG=${tag}`],
      entrypoint: program("portainer"),
      exposed: [8000, 9000, 9443],
    };
  if (isAgent(name))
    return {
      name,
      layers: ["node", "agent"],
      env: [...env, `PHOENIX_TESTBED_TAG=${tag}`],
      entrypoint: program("agent"),
      exposed: [9001],
    };
  const all = [...new Set(ports.map(({ port }) => port))].sort((one, other) => one - other);
  const secure = new Set(ports.filter(({ tls }) => tls).map(({ port }) => port));
  const texts = all.map((port) => (secure.has(port) ? `${port}/tls` : `${port}`));
  return {
    name,
    layers: ["node", "service"],
    env: [
      ...env,
      `PHOENIX_TESTBED_SERVICE=${name}`,
      `PHOENIX_TESTBED_PORTS=${texts.join(" ")}`,
      // The same sign as in the embedded lab.
      ...(name.includes("exits") ? ["PHOENIX_TESTBED_EXITS=1"] : []),
    ],
    entrypoint: program("service"),
    exposed: all,
  };
}

function tagged(name: string): string {
  return /[:@][^/]*$/.test(name) ? name : `${name}:latest`;
}
