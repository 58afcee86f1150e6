/** What an unattended sync may do now, and what waits for the hours that the site declares. Pure. */
import type { Impact } from "../component.ts";
import { isOpen, localText, nextOpening, parseWindow } from "../formats/week/index.ts";
import { isDisruptive } from "../impact.ts";
import { type Change, subjectOf } from "../resource.ts";

/** The declared hours as they are at one moment. */
export interface RepairHours {
  /** As the site writes them. */
  readonly windows: readonly string[];
  /** The hypervisor's time zone. */
  readonly zone: string;
  readonly isOpen: boolean;
  /** When they open next, in milliseconds since the epoch; absent while they are open, and when no window opens in eight days. */
  readonly nextMs?: number;
  /** The same for people: "sun 01:00 Europe/Berlin". */
  readonly opening: string;
}

/** @param written windows that were read without a problem */
export function repairHours(written: readonly string[], nowMs: number, zone: string): RepairHours {
  const windows = written.flatMap((text) => parseWindow(text) ?? []);
  const open = isOpen(windows, nowMs, zone);
  const nextMs = open ? undefined : nextOpening(windows, nowMs, zone);
  const opening =
    nextMs === undefined ? "the next change of the clock" : `${localText(nextMs, zone)} ${zone}`;
  return { windows: written, zone, isOpen: open, opening, ...(nextMs === undefined ? {} : { nextMs }) };
}

/** What a sync holds back: engine/hold.ts asks it. */
interface Waiting {
  readonly reason: string;
  readonly waits: (changes: readonly Change[], impact: Impact) => boolean;
  readonly isUrgent: (change: Change) => boolean;
}

/** What waits for these hours; undefined while they are open. */
export function waitingFor(hours: RepairHours | undefined): Waiting | undefined {
  if (hours === undefined || hours.isOpen) return undefined;
  return {
    reason: `waits for the repair hours: ${hours.opening}`,
    waits: (_, impact) => isDisruptive(impact),
    isUrgent: isCertificateInNeed,
  };
}

/** What waits after a rollback, so that nobody's way back is undone behind their back: everything but renewals. */
export function waitingAfter({
  generation,
  command,
}: {
  readonly generation: number;
  readonly command: string;
}): Waiting {
  return {
    reason: `run ${generation} was a ${command} and the site still declares the newer state: \`phoenix sync all\` brings it back`,
    waits: () => true,
    isUrgent: isRenewal,
  };
}

/** A certificate that is missing, due or not valid: later it would disrupt more. */
function isCertificateInNeed(change: Change): boolean {
  const isCreated = change.verb === "create" && subjectOf(change).id.startsWith("certificates/");
  return isCreated || isRenewal(change);
}

function isRenewal(change: Change): boolean {
  if (change.verb !== "update" || !subjectOf(change).id.startsWith("certificates/")) return false;
  return change.live.units.state !== change.desired.units.state;
}
