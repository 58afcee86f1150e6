/** The gateway: whether Nginx runs, which of its servers takes the name, and whether it runs what is on disk. */
import { commands } from "../components/nginx/commands.ts";
import { expectedHash, paths } from "../components/nginx/compile.ts";
import { describeHost } from "../fabric/guests.ts";
import type { GatewayHop } from "../fabric/hop.ts";
import { ports } from "../fabric/ports.ts";
import { configurationHash, configurationPath } from "../formats/nginx/index.ts";
import { dumpedFiles, serverFor } from "../formats/nginx/servers.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import { commandOn, downElsewhere, type Looking, unitDown } from "./context.ts";
import type { Facts } from "./facts.ts";
import { affected, broken, type Finding, ok } from "./finding.ts";

export async function lookAtGateway(looking: Looking, hop: GatewayHop): Promise<Finding> {
  const { facts } = looking;
  const { host, name } = hop;
  const address = facts.site.roles.gateway?.address ?? "";
  const [down, unit, dump, file, loaded, seen] = await Promise.all([
    downElsewhere(looking, host),
    unitDown(looking, host, "nginx"),
    facts.run(host, commands.dump),
    facts.text(host, paths.enabled),
    loadedHash(facts, address),
    facts.handshake(address, ports.https, name),
  ]);
  if (down !== undefined) return down;
  const where = describeHost(facts.site, host);
  const refusal = "value" in dump && dump.value.exitCode !== 0 ? lastLines(dump.value.stderr) : undefined;
  if (unit !== undefined)
    return { ...unit, details: refusal === undefined ? [] : [`Nginx refuses its configuration: ${refusal}`] };
  const sync = "`phoenix sync nginx` puts it right";
  const reload = `\`${commandOn(host, "systemctl reload nginx")}\` loads it`;
  const onDisk = file === undefined ? undefined : configurationHash(file);
  const isLoaded = loaded !== undefined && loaded === onDisk;
  const isDeclared = onDisk === expectedHash(facts.site);
  if ("value" in dump && refusal === undefined) {
    const fault = serverFault(looking, hop, {
      files: dumpedFiles(dump.value.stdout),
      file,
      isDeclared,
      sync,
    });
    if (fault !== undefined) return fault;
  }
  if (refusal !== undefined && !isLoaded)
    return broken(
      "invalid configuration",
      `Nginx in ${where} refuses its configuration, and runs an earlier one: ${refusal}`,
      { hint: sync },
    );
  const isRejected = "value" in seen && !seen.value.ok;
  if (loaded !== undefined && onDisk !== undefined && !isLoaded && isRejected)
    return broken("not loaded", `Nginx in ${where} has not loaded what is in ${paths.enabled}`, {
      hint: reload,
    });
  if (isRejected && loaded !== undefined)
    return broken(
      reasonOf(seen.value),
      `Nginx in ${where} does not accept ${name}: ${reasonOf(seen.value)}`,
      { hint: isDeclared ? reload : sync },
    );
  if (loaded === undefined && isRejected) return affected("no answer");
  return ok(`nginx -> ${hop.path.address}:${hop.path.port}`);
}

interface OnDisk {
  /** Everything that Nginx reads, in its order. */
  readonly files: ReadonlyMap<string, string>;
  /** Our own file, as it is enabled. */
  readonly file: string | undefined;
  readonly isDeclared: boolean;
  readonly sync: string;
}

/** The server that takes the name is not ours, or there is none. */
function serverFault(
  { facts }: Looking,
  { host, name }: GatewayHop,
  { files, file, isDeclared, sync }: OnDisk,
): Finding | undefined {
  const where = describeHost(facts.site, host);
  const address = facts.site.roles.gateway?.address ?? "";
  const server = serverFor(files, { name, address, port: ports.https });
  const isOurs =
    server !== undefined && ([paths.enabled, paths.available] as readonly string[]).includes(server.file);
  if (server !== undefined && !isOurs) {
    const place = `${server.file}:${server.line}`;
    const hint = `remove ${name} from ${place}, or the server, then \`${commandOn(host, "systemctl reload nginx")}\``;
    return broken(
      "another server answers",
      `${place} in ${where} takes the requests for ${name}: it is not phoenix's`,
      { hint },
    );
  }
  if (server === undefined || server.isDefault) {
    const cause = `Nginx in ${where} has no server for ${name}`;
    const details =
      file === undefined
        ? [`${paths.enabled} is not there`]
        : isDeclared
          ? []
          : [`${paths.enabled} is not as declared`];
    return broken("no server for the name", cause, { details, hint: sync });
  }
  return undefined;
}

function reasonOf(seen: { readonly ok: boolean; readonly reason?: string }): string {
  return seen.reason ?? "no certificate";
}

/** Which configuration serves: its hash; "" for one that does not say; undefined without an answer. */
async function loadedHash(facts: Facts, address: string): Promise<string | undefined> {
  const seen = await facts.request(`http://${address}${configurationPath}`);
  if (!("value" in seen)) return undefined;
  return seen.value.status === 200 ? seen.value.text.trim() : "";
}
