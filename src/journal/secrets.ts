/** Generated secrets: created once and kept on the hypervisor. */
import { randomBytes } from "node:crypto";
import { SiteError } from "../errors.ts";
import type { Host } from "../hosts/host.ts";
import { Secret } from "../secret.ts";
import { journalDirectory, privateMode } from "./store.ts";

/** 256 bits. */
const secretBytes = 32;

/** Whether the journal keeps a secret of this name already. */
export async function keepsSecret(host: Host, name: string): Promise<boolean> {
  const path = `${journalDirectory}/secrets/${name}`;
  return (await host.readFiles([path])).has(path);
}

/**
 * The secret `name`. A missing one is generated and stored; a read-only journal generates it for this run only, so that a plan
 * shows what the new secret will change.
 */
export async function generatedSecret(
  host: Host,
  journal: string,
  name: string,
  mayWrite: boolean,
): Promise<Secret> {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    throw new Error(`not a name of a secret: ${JSON.stringify(name)}`);
  const directory = `${journal}/secrets`;
  const path = `${directory}/${name}`;
  const stored = (await host.readFiles([path])).get(path);
  if (stored !== undefined) {
    const value = stored.text.trim();
    // Every agent might accept an empty secret.
    if (value.length < secretBytes) {
      throw new SiteError(`${path} is not a valid secret: it is too short`, {
        hint: "move it away: the next sync generates a new one and deploys it",
      });
    }
    return new Secret(value);
  }
  const value = randomBytes(secretBytes).toString("base64url");
  if (mayWrite) {
    await host.expect({ argv: ["mkdir", "-p", "-m", "700", journal, directory], effect: "change" });
    await host.writeFiles([{ path, text: `${value}\n`, mode: privateMode }]);
  }
  return new Secret(value);
}
