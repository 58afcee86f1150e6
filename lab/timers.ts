/** Transient timers of systemd-run: they outlive the process that armed them, and run when the lab is next looked at. */
import type { HostName } from "../src/resource.ts";
import { isUp, nodeUnder } from "./cluster.ts";
import type { LabStore } from "./context.ts";
import type { Lab } from "./parts.ts";

export interface LabTimer {
  readonly host: HostName;
  /** Without ".timer". */
  readonly unit: string;
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly dueMs: number;
  readonly argv: readonly string[];
}

const document = "timers";

export function armTimer(lab: Pick<Lab, "store">, timer: LabTimer): void {
  lab.store.write(document, [...timersOf(lab.store), timer]);
}

/** Stops a timer by its unit's name. @returns false when there is none */
export function cancelTimer(lab: Pick<Lab, "store">, host: HostName, name: string): boolean {
  if (!isTimer(lab, host, name)) return false;
  const rest = timersOf(lab.store).filter((timer) => !isCalled(timer, host, name));
  lab.store.write(document, rest);
  return true;
}

export function isTimer(lab: Pick<Lab, "store">, host: HostName, name: string): boolean {
  return timersOf(lab.store).some((timer) => isCalled(timer, host, name));
}

export function timerDue(lab: Pick<Lab, "store">, host: HostName, name: string): number | undefined {
  return timersOf(lab.store).find((timer) => isCalled(timer, host, name))?.dueMs;
}

export function timerUnits(lab: Pick<Lab, "store">, host: HostName): readonly string[] {
  return timersOf(lab.store)
    .filter((timer) => timer.host === host)
    .map(({ unit }) => unit);
}

/** Runs what is due, earliest first. A timer is forgotten before it runs, so that nobody runs it twice. */
export async function runDueTimers(lab: Lab): Promise<void> {
  for (;;) {
    const timers = timersOf(lab.store);
    const now = lab.clock.now();
    const [next] = timers.filter(({ dueMs }) => dueMs <= now).sort((a, b) => a.dueMs - b.dueMs);
    if (next === undefined) return;
    lab.store.write(
      document,
      timers.filter((timer) => timer !== next),
    );
    // A transient timer is gone when its machine was switched off.
    if (isUp(lab, nodeUnder(lab, next.host))) await lab.run(next.host, { argv: next.argv, effect: "change" });
  }
}

function timersOf(store: LabStore): readonly LabTimer[] {
  return store.read<readonly LabTimer[]>(document) ?? [];
}

/** A timer answers to NAME.timer only: NAME.service is what it starts. */
function isCalled({ host, unit }: LabTimer, wanted: HostName, name: string): boolean {
  return host === wanted && name === `${unit}.timer`;
}
