/** A stack that was changed in Portainer: its Compose file as its author would have written that, and its variables. Pure. */
import { targetsOf } from "../components/stacks/compile.ts";
import type { StackFacts } from "../components/stacks/facts.ts";
import { mergedCompose } from "../formats/compose/merge.ts";
import type { Site, Stack } from "../model.ts";
import type { Change } from "../resource.ts";
import { isSensitiveName } from "../sensitive.ts";
import type { SiteDraft } from "./draft.ts";
import { notAcceptable } from "./refusal.ts";

export function acceptStack(change: Extract<Change, { verb: "update" }>, site: Site, draft: SiteDraft): void {
  const { id } = change.desired;
  const target = targetsOf(site).find((each) => each.id === id);
  if (target === undefined) throw notAcceptable(id, "the site does not declare it");
  const { stack } = target;
  const [declared, live] = [change.desired, change.live].map(({ text }) => JSON.parse(text) as StackFacts);
  if (declared === undefined || live === undefined) return;
  if (declared.compose !== live.compose) {
    const { file } = stack.compose;
    const merged = mergedCompose(draft.textOf(file), declared.compose, live.compose);
    if (merged === undefined)
      throw notAcceptable(
        id,
        `what changed in its Compose file cannot be told apart in ${file}`,
        "edit that file by hand",
      );
    draft.replace(file, merged);
  }
  for (const name of new Set([...Object.keys(declared.variables), ...Object.keys(live.variables)]))
    if (declared.variables[name] !== live.variables[name])
      acceptVariable(id, stack, name, live.variables[name], draft);
}

/** @param value as Portainer has it; undefined where it was removed */
function acceptVariable(
  id: string,
  stack: Stack,
  name: string,
  value: string | undefined,
  draft: SiteDraft,
): void {
  const variable = stack.variables.find((each) => each.name === name);
  const place =
    variable === undefined
      ? `stacks/${stack.name}/phoenix.json`
      : `${variable.from.file}:${variable.from.line}`;
  if (variable === undefined)
    throw notAcceptable(
      id,
      `variable ${name} is not declared, and its value may be a secret`,
      `add it to ${place}`,
    );
  if (variable.sensitive || isSensitiveName(name))
    throw notAcceptable(
      id,
      `variable ${name} is a secret, which is never written in clear`,
      `change it where ${place} refers to`,
    );
  const path = draft.pathTo(variable.from);
  if (path === undefined) throw notAcceptable(id, `${place} cannot be edited`);
  const { file } = variable.from;
  const isListed = path.at(-1) === "name" && typeof path.at(-2) === "number";
  const entry = isListed ? path.slice(0, -1) : path;
  draft.edit(
    file,
    value === undefined
      ? { kind: "remove", path: entry }
      : { kind: "set", path: isListed ? [...entry, "value"] : entry, value: unquoted(value) },
  );
}

/** Portainer quotes values with spaces or signs in them, as a file of variables needs it. */
function unquoted(value: string): string {
  return /^'[^']*'$/.test(value) ? value.slice(1, -1) : value;
}
