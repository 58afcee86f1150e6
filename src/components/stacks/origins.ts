/** Which lines of the site each part of a stack follows from, and each line of its files on the share. */
import { labelsAddedTo } from "../../fabric/containers-at.ts";
import { explained } from "../../fabric/explained.ts";
import { declaredBy, settingOrigins } from "../../fabric/label-origins.ts";
import { aboutGuest, shareOrigin } from "../../fabric/origins.ts";
import { placeBelow } from "../../formats/compose/paths.ts";
import type { Site, Stack } from "../../model.ts";
import type { Explained, Origin, Reason, Subject } from "../../origin.ts";
import { targetsOf } from "./compile.ts";
import type { StackTarget } from "./facts.ts";
import { composeFile, copiedFile } from "./file-origins.ts";

export function explain(site: Site): readonly Explained[] {
  return targetsOf(site).map((target) => {
    const { resource, stack } = target;
    const why = stackReason(stack);
    return explained(resource, {
      why,
      unit: (unit) => unitReason(site, target, unit, why),
      unitAt: ([section = "", name]) => unitOf(section, name),
      files: [composeFile(target, why), ...copiedFiles(target, why)],
    });
  });
}

function copiedFiles(target: StackTarget, why: Reason) {
  const { stack } = target;
  return stack.files.map((file) =>
    copiedFile(target, file, placeBelow(stack.compose.file, file.source), why),
  );
}

const words: Readonly<Record<string, string>> = {
  variables: "variable",
  files: "file",
  containers: "service",
  volumes: "volume",
  networks: "network",
};

/** The unit that a member of the canonical JSON belongs to. */
function unitOf(section: string, name: string | undefined): string | undefined {
  const word = words[section];
  if (word !== undefined) return name === undefined ? undefined : `${word} ${name}`;
  if (section === "compose") return "compose file";
  return section;
}

function stackReason(stack: Stack): Reason {
  return {
    origins: [
      assignment(stack),
      { at: { file: stack.compose.file, line: 1, column: 1 }, says: "is its Compose file" },
    ],
    about: [`stack:${stack.name}`, `environment:${stack.portainerEnvironment}`, ...aboutGuest(stack.guest)],
  };
}

function assignment({ from, name, guest, swarm }: Stack): Origin {
  const where = swarm === undefined ? `${guest.host} (${guest.name})` : `the Swarm ${swarm}`;
  return { at: from, says: `puts stack ${name} on ${where}` };
}

/** What a plan shows of a Swarm's service: "image of web". */
const ofService = /^(?:image|replicas|ports|configs|secrets|environment|container|definition) of (.*)$/s;

function unitReason(site: Site, target: StackTarget, unit: string, why: Reason): Reason | undefined {
  const { stack } = target;
  const [, word = "", name = ""] = /^(variable|file|service|volume|network|label) (.*)$/s.exec(unit) ?? [];
  const of = (origins: readonly Origin[], ...about: readonly Subject[]): Reason => ({
    origins: [...origins, assignment(stack)],
    about: [...about, ...why.about],
  });
  const [, ofSwarm] = ofService.exec(unit) ?? [];
  if (ofSwarm !== undefined) return of(serviceOrigins(stack, ofSwarm), `container:${stack.name}/${ofSwarm}`);
  switch (word) {
    case "variable": {
      const found = stack.variables.find((each) => each.name === name);
      return found && of([{ at: found.from, says: "declares the variable" }], `variable:${name}`);
    }
    case "file":
      return fileReason(target, name, of);
    case "service":
      return of(serviceOrigins(stack, name), `container:${stack.name}/${name}`, ...portsOf(stack, name));
    case "label": {
      const [service = "", key] = name.split(/ (.*)/s);
      const labels = labelsAddedTo(stack, service);
      const origins = labels
        .filter((label) => label.key === key)
        .map(({ from }) => ({ at: from, says: "adds the label" }));
      return of(origins, `container:${stack.name}/${service}`);
    }
    case "volume":
      return of(
        [
          ...volumeOrigins(stack, name),
          ...settingOrigins(stack, `volumes/${name}`, "its directory on the share"),
          shareOrigin(stack.guest, stack.share),
        ],
        `volume:${name}`,
      );
    case "network":
      return of(
        [
          ...settingOrigins(stack, `networks/${name}`, "creates the network"),
          ...settingOrigins(stack, "networks", "creates the networks"),
        ],
        `network:${name}`,
      );
  }
  if (unit === "environment") return of([environmentOrigin(site, stack)]);
  if (unit === "owners" && stack.owners !== undefined)
    return of([{ at: stack.owners.from, says: "declares the owners" }]);
  return why;
}

function environmentOrigin(site: Site, { guest, swarm }: Stack): Origin {
  const says = "names the environment in Portainer";
  const found = site.swarms.find(({ name }) => name === swarm);
  if (found !== undefined) return { at: found.from, says };
  return { at: guest.from, keys: ["portainer_environment_name", "name"], says };
}

type Build = (origins: readonly Origin[], ...about: readonly Subject[]) => Reason;

function fileReason({ stack }: StackTarget, path: string, of: Build): Reason | undefined {
  const file = stack.files.find(({ source }) => placeBelow(stack.compose.file, source) === path);
  if (file === undefined) return undefined;
  return of(
    [
      { at: file.from, says: "brings the file" },
      { at: { file: file.source, line: 1, column: 1 }, says: "is its content" },
    ],
    `file:${file.source}`,
  );
}

function serviceOrigins(stack: Stack, name: string): readonly Origin[] {
  const found = declaredBy(stack).services.find((service) => service.name === name);
  if (found === undefined) return [];
  return [{ at: { file: stack.compose.file, ...found.place }, says: "declares the service" }];
}

/** The ports of the machine that a service publishes. */
function portsOf(stack: Stack, name: string): readonly Subject[] {
  const ports = declaredBy(stack).services.find((service) => service.name === name)?.ports ?? [];
  return ports.flatMap(({ published }): readonly Subject[] =>
    published === undefined ? [] : [`port:${stack.guest.host}:${published}`],
  );
}

function volumeOrigins(stack: Stack, name: string): readonly Origin[] {
  const found = declaredBy(stack).volumes.find((volume) => volume.name === name);
  if (found === undefined) return [];
  return [{ at: { file: stack.compose.file, ...found.place }, says: "declares the volume" }];
}
