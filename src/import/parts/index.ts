/** The parts of a draft: each is a line here, pure, and says what a kind of thing that was found is in the site. */
import { defined } from "../../defined.ts";
import type { Site } from "../../model.ts";
import { type Draft, type DraftPart, emptyDraft, joined } from "../draft.ts";
import type { Left } from "../found.ts";
import type { Found } from "../read/index.ts";
import { type Settled, settled } from "../settle.ts";
import { besidePart } from "./beside.ts";
import { dockerPart } from "./docker.ts";
import { firewallPart, openingsPart, policiesPart } from "./firewall.ts";
import { machinesPart } from "./machines.ts";
import { openedBy } from "./opened.ts";
import { dnsPart, recordsPart } from "./records.ts";
import { servicesPart } from "./services.ts";
import { sharesPart } from "./shares.ts";
import { swarmsPart } from "./swarms.ts";
import { webPart } from "./web.ts";

/** What is declared in any case. */
const parts: readonly ((found: Found) => DraftPart)[] = [
  machinesPart,
  besidePart,
  sharesPart,
  dnsPart,
  policiesPart,
  webPart,
  dockerPart,
  swarmsPart,
];

/** What is declared as far as Phoenix does not derive it from the rest, which is the site that they get: a stage after the other. */
const stages: readonly (readonly ((found: Found, site: Site | undefined) => DraftPart)[])[] = [
  [servicesPart],
  [recordsPart, firewallPart],
  [openingsPart],
];

/** The site that declares what was found. @param left what the readers left out */
export async function draftOf(found: Found, left: readonly Left[]): Promise<Settled> {
  const all = (more: readonly DraftPart[], first: Draft): Draft => more.reduce(joined, first);
  const first = parts.map((part) => part(found));
  let current = await inCluster(settled(all(first, { ...emptyDraft, left }), false), found);
  for (const stage of stages) {
    const { draft, site } = current;
    const next = stage.map((part) => part(found, site));
    current = await inCluster(settled(all(next, draft), stage === stages.at(-1)), found);
  }
  const { draft, site } = current;
  return site === undefined
    ? current
    : { ...current, draft: { ...draft, opened: openedBy(found.firewall, site) } };
}

/** Openings follow from the cluster's nodes as well, which no site declares. */
async function inCluster(settling: Promise<Settled>, { cluster }: Found): Promise<Settled> {
  const { site, ...rest } = await settling;
  return { ...rest, site: site && { ...site, ...defined({ cluster }) } };
}
