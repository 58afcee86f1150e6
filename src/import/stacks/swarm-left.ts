/** Configs and secrets that a Swarm keeps for a stack, and the site does not have. Pure. */
import { ComposeDocument } from "../../formats/compose/document.ts";
import type { Left } from "../found.ts";
import type { Deployment } from "./deployed.ts";
import { fileBehind } from "./stack-file.ts";
import { revealed } from "./variables.ts";

/** What Phoenix once made of a file: the stack goes on with it as it is. */
export function keptBySwarm({ name, project, text, variables, source }: Deployment): readonly Left[] {
  const { root } = new ComposeDocument(text, revealed(variables), project);
  return (["configs", "secrets"] as const).flatMap((section) =>
    root.get(section).members.flatMap(({ value }): readonly Left[] => {
      const known = value.get("name").text ?? "";
      const file = fileBehind(known, project);
      if (value.get("external").text !== "true" || file === undefined) return [];
      const kind = section === "configs" ? "config" : "secret";
      const path = section === "configs" ? file : `secrets/${file}`;
      const where = section === "configs" ? `stacks/${name}/${path}` : path;
      return [
        {
          source,
          what: `${kind} ${known} of stack ${name}`,
          reason: `Docker does not tell what it holds: the stack uses the one that the Swarm has. To declare it, put its content into ${where}, name that in the "files" of stacks/${name}/phoenix.json, and write "file: ${path}" in place of "external" and "name" in its Compose file`,
        },
      ];
    }),
  );
}
