/** Files of Portainer's server on its virtual machine's own disk: not on the share, where other machines could read them. */
import type { Host } from "../hosts/host.ts";
import type { Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { Secret } from "../secret.ts";

export const portainerDirectory = "/etc/phoenix/portainer";

/** The administrator's password that worked last. A new Portainer's `--admin-password-file` reads it, too. */
export const adminPasswordFile = `${portainerDirectory}/admin-password`;

/** The administrator's password that worked last; undefined when nobody knows it. @throws TransportError */
export async function knownPassword(
  { portainer }: Site,
  host: (name: HostName) => Host,
): Promise<Secret | undefined> {
  if (portainer === undefined) return undefined;
  const files = await host(portainer.guest.host).readFiles([adminPasswordFile]);
  // Portainer removes exactly one line feed at the end.
  const text = files.get(adminPasswordFile)?.text.replace(/\n$/, "") ?? "";
  return text === "" ? undefined : new Secret(text);
}
