/** Who owns a stack in Portainer. */
import type { StackOwners } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";

/** Reads `owners` of phoenix.json; undefined without it. */
export function readOwners(cell: Cell | undefined, problems: Problems): StackOwners | undefined {
  if (cell === undefined) return undefined;
  const names = (kind: "teams" | "users"): readonly string[] => {
    const seen = new Claims<SourceRef>();
    return (cell.get(kind)?.each ?? []).flatMap((each): string[] => {
      const { text } = each;
      if (text === undefined) return [];
      const word = kind.slice(0, -1);
      if (text.trim() === "") problems.report("PHX0711", each, `the name of a ${word} is empty`);
      const taken = seen.take(text, each.ref);
      if (taken !== undefined)
        problems.report("PHX0711", each, `${word} ${text} is named twice`, { related: [taken] });
      return [text];
    });
  };
  return { teams: names("teams"), users: names("users"), from: cell.keyRef };
}
