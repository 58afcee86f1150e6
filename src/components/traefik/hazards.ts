/** Routers of somebody else in the watched directory that have a rule or a name of ours. Reads only. */

import { foreignHazard, type Hazard, type Io } from "../../component.ts";
import { roleOf } from "../../fabric/declared.ts";
import {
  type DeclaredEntry,
  declaredEntries,
  linesWithout,
  sameRule,
} from "../../formats/traefik/foreign.ts";
import { dynamicRouters } from "../../formats/traefik/index.ts";
import { type Change, candidateOf } from "../../resource.ts";
import { editedFile } from "../foreign/files.ts";
import { configurationFiles } from "./activate.ts";
import { paths } from "./compile.ts";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const candidate = candidateOf(changes, "traefik/routes");
  if (candidate === undefined) return [];
  const host = io.host(roleOf(io.site, "mesh").host);
  const names = (await configurationFiles(host)).map((name) => `${paths.directory}/${name}`);
  const files = await host.readFiles(names.filter((path) => path !== paths.configuration));
  const ours = dynamicRouters(candidate.text);
  return [...files].flatMap(([path, { text }]) => {
    const found = declaredEntries(text).flatMap((entry) => {
      const says = conflictOf(entry, ours);
      return says === undefined ? [] : [{ ...entry, says }];
    });
    const lines = linesWithout(text, found);
    const edits = new Map([...lines].sort((a, b) => a - b).map((line) => [line, undefined]));
    const change = editedFile("traefik", host.name, path, text, edits);
    const isByHand = found.some((entry) => entry.lines === undefined);
    return found.map(({ kind, name, line, says }, at): Hazard => {
      const foreign = { host: host.name, name: `${path}:${line}` };
      const message = `${path}:${line} on ${host.name}: ${kind} "${name}" ${says}`;
      if (isByHand) return foreignHazard(message, foreign, `remove ${kind} "${name}" from ${path}`);
      const changes = at === 0 ? [change] : [];
      return foreignHazard(message, { ...foreign, takeover: `the ${kind} is commented out`, changes });
    });
  });
}

function conflictOf(
  { kind, name, rule }: DeclaredEntry,
  ours: readonly { readonly name: string; readonly rule: string }[],
): string | undefined {
  if (ours.some((router) => router.name === name))
    return `has the name of a declared one, and Traefik loads one of them only`;
  const same = kind === "router" ? ours.find((router) => sameRule(router.rule, rule)) : undefined;
  return same && `has the rule of the declared router "${same.name}": ${rule}`;
}
