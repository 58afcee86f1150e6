/** The time zone of a machine. */
import { isZone } from "../formats/week/index.ts";
import type { Host } from "../hosts/host.ts";

/** An IANA name, as the machine's own clock uses it; undefined when it has none that is known here. Changes nothing. */
export async function zoneOf(host: Host): Promise<string | undefined> {
  const { stdout } = await host.run({ argv: ["readlink", "/etc/localtime"], effect: "read" });
  const [, linked] = /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(stdout.trim()) ?? [];
  // A copy instead of a link does not tell its name; Debian 12 and older keep it here as well.
  const written = linked ?? (await host.readFiles(["/etc/timezone"])).get("/etc/timezone")?.text.trim();
  return written !== undefined && isZone(written) ? written : undefined;
}
