/** The credentials for Portainer's API that `phoenix import` is given: references, for a command line shows in lists of processes. */
import { defined } from "../defined.ts";
import { SiteError, UsageError } from "../errors.ts";
import type { PortainerCredentials } from "../import/found.ts";
import { option } from "../option-names.ts";
import { Secret } from "../secret.ts";
import type { Call } from "./command.ts";

/** @throws UsageError for a secret in clear text, or one that cannot be read */
export async function portainerCredentials(call: Call): Promise<PortainerCredentials | undefined> {
  const { portainerUser: user, portainerPassword, portainerApiKey } = call.own;
  const password = await secretOf(call, portainerPassword, option.portainerPassword);
  const apiKey = await secretOf(call, portainerApiKey, option.portainerApiKey);
  const found = defined({ user: typeof user === "string" ? user : undefined, password, apiKey });
  return Object.keys(found).length === 0 ? undefined : found;
}

async function secretOf({ terminal }: Call, text: unknown, flag: string): Promise<Secret | undefined> {
  if (typeof text !== "string") return undefined;
  const [, kind, target = ""] = /^(env|file|age):(.+)$/s.exec(text) ?? [];
  if (kind === undefined)
    throw new UsageError(`${flag} must be a reference to a secret, not the secret itself`, {
      hint: `${flag} file:/root/portainer-password, or env:NAME`,
    });
  const [{ lookUp }, { SiteFiles }, { Problems }] = await Promise.all([
    import("../site/secrets/sources.ts"),
    import("../site/text/source-file.ts"),
    import("../site/text/problems.ts"),
  ]);
  try {
    const files = new SiteFiles(terminal.directory, new Problems());
    return new Secret(await lookUp(kind as "env" | "file" | "age", target, files));
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    throw new UsageError(`${flag}: cannot read the secret: ${error.message}`, defined({ hint: error.hint }));
  }
}
