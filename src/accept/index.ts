/** Accepting drift: what a host has, as changes of the site's files, where the site has words for it. Pure. */
import type { ComponentName } from "../component.ts";
import type { Site } from "../model.ts";
import { type Change, diffUnits, subjectOf } from "../resource.ts";
import { acceptDns } from "./dns.ts";
import { type FileChange, SiteDraft } from "./draft.ts";
import { acceptFirewall } from "./firewall.ts";
import { acceptPortainer } from "./portainer.ts";
import { notAcceptable } from "./refusal.ts";
import { acceptStack } from "./stacks.ts";

export type { FileChange } from "./draft.ts";
export { isSameMeaning } from "./form.ts";

type Accept = (change: Extract<Change, { verb: "update" }>, site: Site, draft: SiteDraft) => void;

const acceptors: Readonly<Record<ComponentName, Accept>> = {
  dns: acceptDns,
  firewall: acceptFirewall,
  portainer: acceptPortainer,
  stacks: acceptStack,
};

/** Why nothing of a component can be said in the site, and what to do instead. */
const generated: Readonly<Record<ComponentName, readonly [reason: string, hint: string]>> = {
  trust: ["the root is the CA's own", "`phoenix sync trust` installs the CA's root again"],
  certificates: [
    "certificates are issued by the CA; the site only names them",
    "change etc/certificate-manifest.json, or let `phoenix sync certificates` issue it again",
  ],
  traefik: [
    "its configuration is generated from the services of guests and the labels of stacks",
    "change the service or the label; `phoenix sync traefik` restores the rest",
  ],
  nginx: [
    "its configuration is generated from the services and their options",
    "change the service's options (max_body_size, read_timeout, buffering); `phoenix sync nginx` restores the rest",
  ],
};

/**
 * The changes of the site's files that say what the hosts have.
 * @param files the site's files as they are on disk
 * @throws RefusedError where the site cannot say it
 */
export function accepted(
  changes: readonly Change[],
  site: Site,
  files: readonly { readonly name: string; readonly text: string }[],
): readonly FileChange[] {
  const draft = new SiteDraft(files);
  for (const change of changes) {
    const { id } = subjectOf(change);
    const component = id.slice(0, id.indexOf("/"));
    const [reason, hint] = generated[component] ?? [];
    if (reason !== undefined) throw notAcceptable(id, reason, hint);
    if (change.verb === "create") throw notAcceptable(id, "it is missing on the host as a whole");
    if (change.verb === "delete")
      throw notAcceptable(id, "the site does not declare it", "`phoenix import` shows what a host has");
    acceptors[component]?.(change, site, draft);
  }
  return draft.changes;
}

/** What still differs when the site's files say all that they can: "service web". */
export function unsaid(change: Change): string {
  const names = diffUnits(change).map(({ unit }) => unit);
  return names.length === 0 ? "the layout of its file" : names.slice(0, 5).join(", ");
}
