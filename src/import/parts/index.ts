/** The parts of a draft: each is a line here, pure, and says what a kind of thing that was found is in the site. */
import { type Draft, type DraftPart, emptyDraft, joined } from "../draft.ts";
import type { Found } from "../read/index.ts";
import { machinesPart } from "./machines.ts";
import { recordsPart } from "./records.ts";

const parts: readonly ((found: Found) => DraftPart)[] = [machinesPart, recordsPart];

export function draftOf(found: Found): Draft {
  return parts.map((part) => part(found)).reduce<Draft>(joined, emptyDraft);
}
