/**
 * Compose files: what the services, ports, labels and volumes of one are once its variables are filled in, and everything
 * that Compose, or Portainer that runs it, would refuse.
 */
import type { Node } from "yaml";
import type { FaultAt } from "../fault.ts";
import { valueFaults } from "./check.ts";
import {
  type ComposeYaml,
  isNull,
  type Member,
  memberOf,
  membersOf,
  type Place,
  parseComposeYaml,
  placeOf,
  textOf,
} from "./document.ts";
import { keyFaults, refused } from "./keys.ts";
import type { ComposePort } from "./ports.ts";
import { readService } from "./service.ts";

export type { Place } from "./document.ts";
export type { ComposePort } from "./ports.ts";

export interface ComposeLabel {
  readonly key: string;
  /** As the container gets it: `$$` is `$`, variables are filled in. */
  readonly value: string;
  readonly place: Place;
}

export interface ComposeService {
  readonly name: string;
  readonly place: Place;
  readonly image?: string;
  readonly containerName?: string;
  readonly networkMode?: string;
  readonly labels: readonly ComposeLabel[];
  readonly ports: readonly ComposePort[];
  /** "no", "always", "unless-stopped", "on-failure"; "no" unless given. */
  readonly restart: string;
  /** Whether the file gives it one; an image may bring its own. */
  readonly healthcheck: boolean;
  /** It runs only when one of them is asked for (COMPOSE_PROFILES); always when there is none. */
  readonly profiles: readonly string[];
  /** How many containers of it there are to be. */
  readonly replicas: number;
}

export interface ComposeVolume {
  readonly key: string;
  /** As Docker knows it. */
  readonly name: string;
  readonly external: boolean;
  readonly place: Place;
}

export interface Compose {
  readonly services: readonly ComposeService[];
  readonly volumes: readonly ComposeVolume[];
}

export interface ReadCompose {
  /** Absent when it is no compose file at all. */
  readonly compose?: Compose;
  /** Everything that is wrong with it, in the order of the file. */
  readonly faults: readonly FaultAt<Place>[];
}

/**
 * Reads a compose file with its variables filled in.
 * @param project the name it runs under, which names the volumes it makes; absent leaves them with their keys
 */
export function readCompose(
  text: string,
  variables: ReadonlyMap<string, string>,
  project?: string,
): ReadCompose {
  const yaml = parseComposeYaml(text, variables);
  if (yaml.document.errors.length > 0) return { faults: yaml.faults };
  const root = membersOf(yaml, yaml.document.contents);
  if (root === undefined)
    return {
      faults: [{ message: "this is no compose file: it has no services", place: { line: 1, column: 1 } }],
    };
  const faults: FaultAt<Place>[] = [...yaml.faults, ...keyFaults(root, "file", "a compose file")];
  const include = memberOf(root, "include");
  if (include !== undefined) faults.push(refused("include", include.place));

  const declared = {
    volumes: namesIn(yaml, root, "volumes"),
    networks: new Set([...namesIn(yaml, root, "networks"), "default"]),
    configs: namesIn(yaml, root, "configs"),
    secrets: namesIn(yaml, root, "secrets"),
    services: namesIn(yaml, root, "services"),
  };
  const servicesMember = memberOf(root, "services");
  const members = membersOf(yaml, servicesMember?.value) ?? [];
  if (members.length === 0)
    faults.push({
      message: "there are no services in it",
      place: servicesMember?.place ?? placeOf(yaml, yaml.document.contents),
    });
  const read = members.map((member) => readService(yaml, member, declared));
  const services = read.map(({ service }) => service);
  faults.push(
    ...read.flatMap((each) => each.faults),
    ...valueFaults(yaml, members),
    ...portClashes(services),
  );
  const volumes = (membersOf(yaml, memberOf(root, "volumes")?.value) ?? []).map((member) =>
    volumeOf(yaml, member, project),
  );
  return { compose: { services, volumes }, faults: sorted(faults) };
}

function namesIn(yaml: ComposeYaml, root: readonly Member[], key: string): ReadonlySet<string> {
  return new Set((membersOf(yaml, memberOf(root, key)?.value) ?? []).map((member) => member.key));
}

function volumeOf(
  yaml: ComposeYaml,
  { key, place, value }: Member,
  project: string | undefined,
): ComposeVolume {
  const members = membersOf(yaml, value) ?? [];
  const flag = memberOf(members, "external")?.value ?? null;
  // `external: {name: x}` is the form of old files.
  const oldName = textOf(yaml, memberOf(membersOf(yaml, flag) ?? [], "name")?.value);
  const external = oldName !== undefined || isTrue(yaml, flag);
  const name = textOf(yaml, memberOf(members, "name")?.value) ?? oldName;
  return {
    key,
    name: name ?? (external || project === undefined ? key : `${project}_${key}`),
    external,
    place,
  };
}

function isTrue(yaml: ComposeYaml, node: Node | null): boolean {
  return !isNull(node) && /^(true|yes|on|y|1)$/i.test(textOf(yaml, node) ?? "");
}

/** Two services of one file that want one port of the machine. */
function portClashes(services: readonly ComposeService[]): readonly FaultAt<Place>[] {
  const taken = new Map<string, string>();
  return services.flatMap(({ name, ports, profiles }) =>
    ports.flatMap(({ published, protocol, hostIp, place }): readonly FaultAt<Place>[] => {
      if (published === undefined || profiles.length > 0) return [];
      const port = `${published}/${protocol}`;
      const [everywhere, here] = [port, `${hostIp ?? "*"} ${port}`];
      const other = taken.get(hostIp === undefined ? everywhere : here) ?? taken.get(`* ${port}`);
      taken.set(here, other ?? name);
      taken.set(everywhere, other ?? name);
      return other === undefined
        ? []
        : [{ message: `port ${port} of the machine is published by ${other} already`, place }];
    }),
  );
}

function sorted(faults: readonly FaultAt<Place>[]): readonly FaultAt<Place>[] {
  return [...faults].sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
}
