/** Private registries that Portainer gets credentials for. */
import type { PortainerRegistry } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";

/** A host, a port, and the beginning of a path. */
const address = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(\/[\w./-]*)?$/i;

export async function readRegistries(
  config: Cell,
  secrets: SecretReader,
  problems: Problems,
): Promise<readonly PortainerRegistry[]> {
  const registries: PortainerRegistry[] = [];
  const names = new Claims<SourceRef>();
  for (const cell of config.get("portainer_api")?.get("registries")?.each ?? []) {
    const [name, written, username, password] = (["name", "url", "username", "password"] as const).map(
      (key) => cell.get(key),
    );
    // What is missing is reported by the shape.
    if (!name?.text || !written?.text || !username?.text || password === undefined) continue;
    const taken = names.take(name.text.toLowerCase(), name.ref);
    if (taken !== undefined)
      problems.report("PHX0710", name, `two registries have the name ${name.text}`, { related: [taken] });
    const url = written.text.replace(/^https?:\/\//, "").replace(/\/+$/, "");
    if (!address.test(url)) problems.invalid("PHX0710", written, "registry", '"registry.example.net:5000"');
    const secret = await secrets.read(password, true);
    if (secret === undefined) continue;
    registries.push({
      name: name.text,
      url,
      username: username.text,
      password: secret.value,
      from: cell.ref,
    });
  }
  return registries;
}
