/** Who listens on a machine's ports, as `ss` of iproute2 tells (6.1): programs, with their processes. */
import type { Command } from "../../hosts/host.ts";

export interface Listener {
  readonly protocol: string;
  /** "0.0.0.0" is every IPv4 address. */
  readonly address: string;
  readonly port: number;
  /** As the kernel names it, at most 15 characters; "unknown" to all but root. */
  readonly program: string;
  readonly pid: string;
}

export const listListeners: Command = { argv: ["ss", "-Hlntup"], effect: "read" };

/** A line: `udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=12))`. */
export function parseListeners(text: string): readonly Listener[] {
  return text.split("\n").flatMap((line): Listener[] => {
    const [protocol = "", , , , local = "", , users = ""] = line.trim().split(/\s+/);
    const [, at = "", port] = /^(.*):(\d+)$/.exec(local) ?? [];
    if (port === undefined) return [];
    const address = at.replace(/%.*$/, "");
    const [, program = "unknown", pid = ""] = /\(\("([^"]*)",pid=(\d+)/.exec(users) ?? [];
    return [{ protocol, address: address === "*" ? "0.0.0.0" : address, port: Number(port), program, pid }];
  });
}
