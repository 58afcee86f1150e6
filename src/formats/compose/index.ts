/**
 * Compose files: the services, ports, labels and volumes of a file once its variables are filled in, and everything that
 * Compose, or Portainer that runs it, would refuse.
 */
import { refused } from "./alternatives.ts";
import { valueFaults } from "./check.ts";
import { consistencyFaults } from "./consistency.ts";
import { ComposeDocument, type ComposeFault, type ComposeNode, type Member, type Place } from "./document.ts";
import { type ComposePort, isClash } from "./ports.ts";
import { type ComposeService, type DeclaredNames, readService, sections } from "./service.ts";
import { shapeFaults } from "./shapes.ts";
import { typedValue } from "./typed.ts";

export type { ComposeFault, Place } from "./document.ts";
export type { ComposePort } from "./ports.ts";
export type { ComposeLabel, ComposeService } from "./service.ts";

/** A volume, or a network, that a file declares. */
export interface ComposeVolume {
  readonly key: string;
  /** As Docker knows it. */
  readonly name: string;
  readonly external: boolean;
  readonly place: Place;
}

export type ComposeNetwork = ComposeVolume;

export interface Compose {
  readonly services: readonly ComposeService[];
  readonly volumes: readonly ComposeVolume[];
  /** Those that the file declares; the project's own default network only where it is declared. */
  readonly networks: readonly ComposeNetwork[];
}

export interface ReadCompose {
  /** Absent when the text is not a Compose file. */
  readonly compose?: Compose;
  /** In the order of the file. */
  readonly faults: readonly ComposeFault[];
}

/**
 * Reads a Compose file with its variables filled in.
 * @param project the name it runs under, from which its own volumes get their names; without one they have their keys
 */
export function readCompose(
  text: string,
  variables: ReadonlyMap<string, string>,
  project?: string,
): ReadCompose {
  return readDocument(new ComposeDocument(text, variables, project), project);
}

/** Reads a Compose file as {@link readCompose} does, before it is edited. */
export function readDocument(document: ComposeDocument, project?: string): ReadCompose {
  const { root } = document;
  if (!document.isValid) return { faults: document.faults };
  if (!root.isMapping)
    return {
      faults: [{ message: "this is not a Compose file: it has no services", place: { line: 1, column: 1 } }],
    };
  const shapes = typedFaults(root);
  const faults = [...document.faults, ...consistencyFaults(document)];
  const include = root.member("include");
  if (include !== undefined) faults.push(refused("include", include.place));
  const { members } = document.services;
  if (members.length === 0)
    faults.push({ message: "it has no services", place: root.member("services")?.place ?? root.place });
  const names = Object.fromEntries(
    sections.map((section) => [section, new Set(root.get(section).members.map(({ key }) => key))]),
  ) as { readonly [S in keyof DeclaredNames]: Set<string> };
  names.networks.add("default");
  const read = members.map((member) => readService(member, names));
  const services = read.map(({ service }) => service);
  faults.push(
    ...read.flatMap((each) => each.faults),
    ...members.flatMap(valueFaults),
    ...portClashes(services),
  );
  const volumes = root.get("volumes").members.map((member) => objectOf(member, project));
  const networks = root.get("networks").members.map((member) => objectOf(member, project));
  const misnamed = volumes.filter(({ name }) => !volumeName.test(name));
  faults.push(...misnamed.map(nameFault));
  // The name is an argument of commands and a part of paths: nothing is made from one that Docker refuses.
  const usable = volumes.filter((volume) => !misnamed.includes(volume));
  return {
    compose: { services, volumes: usable, networks },
    faults: inOrder([...shapes, ...without(faults, shapes)]),
  };
}

/** Values that do not have the type, the notation or the shape that their keys want. */
function typedFaults(root: ComposeNode): readonly ComposeFault[] {
  const faults: ComposeFault[] = [];
  const value = typedValue(root, faults);
  return [...faults, ...shapeFaults(value)];
}

/** The faults that are not at the place of another: what has a wrong shape has no right meaning either. */
function without(faults: readonly ComposeFault[], others: readonly ComposeFault[]): readonly ComposeFault[] {
  const at = ({ place }: ComposeFault): string => `${place.line}:${place.column}`;
  const taken = new Set(others.map(at));
  return faults.filter((fault) => !taken.has(at(fault)));
}

/** What Docker (29) takes as a volume's name. */
const volumeName = /^[a-zA-Z0-9][\w.-]+$/;

function nameFault({ name, place }: ComposeVolume): ComposeFault {
  const hint = 'two or more letters, digits, ".", "_" and "-", with a letter or digit first';
  return { message: `${JSON.stringify(name)} is not a valid name of a volume`, place, hint };
}

function objectOf({ key, place, value }: Member, project: string | undefined): ComposeVolume {
  const flag = value.get("external");
  // `external: {name: x}` is the form of old files.
  const oldName = flag.get("name").text;
  const external = oldName !== undefined || /^(true|yes|on|y|1)$/i.test(flag.text ?? "");
  const ownName = external || project === undefined ? key : `${project}_${key}`;
  return { key, name: value.get("name").text ?? oldName ?? ownName, external, place };
}

/** Two ports of one file at the same port of the machine. */
function portClashes(services: readonly ComposeService[]): readonly ComposeFault[] {
  const taken = new Map<number, { readonly name: string; readonly port: ComposePort }[]>();
  return services.flatMap(({ name, ports, profiles }) =>
    ports.flatMap((port): readonly ComposeFault[] => {
      const { published, protocol, place } = port;
      if (published === undefined || profiles.length > 0) return [];
      const others = taken.get(published) ?? [];
      const other = others.find((one) => isClash(one.port, port));
      taken.set(published, [...others, { name, port }]);
      if (other === undefined) return [];
      const message = `port ${published}/${protocol} of the machine is already published by ${other.name}`;
      return [{ message, place }];
    }),
  );
}

/** Faults in the order of the file. */
export function inOrder(faults: readonly ComposeFault[]): readonly ComposeFault[] {
  return [...faults].sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
}
