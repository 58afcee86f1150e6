/** Which components a problem of the site keeps from working, for a check of some components only. */
import type { ComponentName } from "../component.ts";
import { componentNames } from "../components/index.ts";
import type { Problem } from "../problem.ts";
import { siteFiles } from "../site/shapes/files.ts";

const routing = ["dns", "traefik", "nginx"];

/** By how a code begins, the longest first. What is not here concerns every component: guests, addresses, names. */
const byCode: Readonly<Record<string, readonly ComponentName[]>> = {
  PHX0210: ["trust", "certificates", "traefik", "nginx"],
  PHX0211: ["trust", "certificates", "traefik", "nginx"],
  PHX0214: ["portainer", "stacks"],
  PHX0305: ["dns"],
  PHX0312: ["dns"],
  PHX0313: ["dns"],
  PHX0306: ["dns"],
  PHX0307: ["dns"],
  PHX0309: ["nginx"],
  PHX0310: ["dns"],
  PHX0311: ["dns"],
  // The names of a stack's routes are not known while its files are not.
  PHX0403: [...routing, "stacks"],
  PHX0404: [...routing, "stacks"],
  PHX0405: [...routing, "stacks"],
  PHX0408: [...routing, "stacks"],
  PHX041: [...routing, "stacks"],
  PHX04: ["stacks"],
  PHX05: ["firewall"],
  PHX0605: ["certificates", "nginx"],
  PHX0606: ["certificates", "nginx"],
  PHX0607: ["certificates", "nginx", "portainer"],
  PHX06: ["certificates"],
  PHX07: ["portainer", "stacks"],
};

const prefixes = Object.keys(byCode).sort((a, b) => b.length - a.length);

/** The problems of the selected components; all of them when nothing is selected. */
export function problemsOf(
  problems: readonly Problem[],
  { only, skip }: { readonly only: readonly ComponentName[]; readonly skip: readonly ComponentName[] },
): readonly Problem[] {
  const selected = componentNames.filter(
    (name) => (only.length === 0 || only.includes(name)) && !skip.includes(name),
  );
  return problems.filter((problem) => concerned(problem).some((name) => selected.includes(name)));
}

function concerned({ code, at }: Problem): readonly ComponentName[] {
  // A secret is Portainer's or a stack's, whose variables may be in the names of its routes.
  if (code === "PHX0106" && !at.file.startsWith("stacks/")) return ["portainer", "stacks"];
  const prefix = prefixes.find((one) => code.startsWith(one));
  if (prefix !== undefined) return byCode[prefix] ?? [];
  if (at.file === siteFiles.certificates) return ["certificates", "nginx", "portainer"];
  return at.file.startsWith("stacks/") ? [...routing, "stacks"] : componentNames;
}
