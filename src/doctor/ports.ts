/** Ports that a service needs, and programs that hold them instead. */
import { type Listener, listListeners, parseListeners } from "../formats/listeners/index.ts";
import type { Host } from "../hosts/host.ts";
import { asked, type Finding } from "./prerequisite.ts";

/** A program on a port, and the unit that runs it where that is known. */
export interface Holder extends Listener {
  /** "AdGuardHome.service" */
  readonly unit?: string;
}

/** Who listens on these ports besides the named programs, with their units. */
export async function holdersOf(
  host: Host,
  ports: readonly number[],
  own: (listener: Listener) => boolean,
): Promise<readonly Holder[]> {
  const { stdout } = await host.run(listListeners);
  const foreign = parseListeners(stdout).filter((each) => ports.includes(each.port) && !own(each));
  return Promise.all(foreign.map(async (each) => ({ ...each, ...(await unitOf(host, each.pid)) })));
}

/** The unit of a process, by `ps -o unit=` (procps 3.3 and 4.0); nothing for a process of no service. */
export async function unitOf(host: Host, pid: string): Promise<{ readonly unit?: string }> {
  if (!/^\d+$/.test(pid)) return {};
  const { exitCode, stdout } = await asked(host, "ps", "-o", "unit=", "-p", pid);
  const unit = stdout.trim();
  return exitCode === 0 && /^[\w:.@\\-]+\.service$/.test(unit) ? { unit } : {};
}

/** A finding for each program, whatever number of ports it holds. @param needed who needs the ports: "nginx" */
export function judgeHolders(holders: readonly Holder[], needed: string): readonly Finding[] {
  const processes = [...new Set(holders.map(({ pid }) => pid))];
  return processes.flatMap((process): Finding[] => {
    const held = holders.filter(({ pid }) => pid === process);
    const [first] = held;
    if (first === undefined) return [];
    const ports = [...new Set(held.map(({ port }) => port))].sort((a, b) => a - b);
    const unit = first.unit === undefined ? "" : `, unit ${first.unit}`;
    const message = `port ${ports.join(" and ")} is held by ${first.program} (process ${first.pid}${unit}), and ${needed} needs it`;
    return [{ message, ...stopping(first) }];
  });
}

/** What stops a program for good. */
export function stopping({ unit, pid }: Pick<Holder, "unit" | "pid">): Pick<Finding, "fix"> {
  if (unit !== undefined) return { fix: { argv: ["systemctl", "disable", "--now", unit] } };
  return /^\d+$/.test(pid) ? { fix: { argv: ["kill", pid] } } : {};
}
