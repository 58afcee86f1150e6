/** Who runs this process, and how another process finds out whether it still runs. */
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname, userInfo } from "node:os";

export interface ProcessIdentity {
  /** The user; with sudo also the one behind it: "alice (root)". */
  readonly who: string;
  /** This machine's name. */
  readonly host: string;
  readonly pid: number;
  /** Distinguishes boots, and containers on one kernel; "" where the kernel gives none. */
  readonly boot: string;
  /** When the process started, in clock ticks since the boot: a pid alone may be reused. */
  readonly start: string;
}

export function ownIdentity(): ProcessIdentity {
  return {
    who: ownName(),
    host: hostname(),
    pid: process.pid,
    boot: bootIdentity(),
    start: startOf(process.pid) ?? "",
  };
}

/**
 * Whether the process still runs; undefined when this machine cannot know, because it ran on another machine or before the
 * last boot.
 */
export function isAlive({ boot, pid, start }: Omit<ProcessIdentity, "who" | "host">): boolean | undefined {
  return boot === "" || boot !== bootIdentity() ? undefined : startOf(pid) === start;
}

/** A unique name. */
export function newToken(): string {
  return randomBytes(16).toString("hex");
}

function ownName(): string {
  const name = nameOfUser();
  const behind = process.env.SUDO_USER;
  return behind === undefined || behind === "" || behind === name ? name : `${behind} (${name})`;
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password file.
    return String(process.getuid?.() ?? "unknown");
  }
}

/** The kernel's boot and the process-id namespace: containers share the first, never the second. */
function bootIdentity(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** Field 22 of /proc/PID/stat (proc(5)); the second field, the program's name, may contain spaces and parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie keeps its pid and nothing else.
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
