/** A Portainer that somebody else runs, as `portainer_api` declares it with `"external": true`. */
import { defined } from "../../defined.ts";
import type { ExternalPortainer } from "../../external-portainer.ts";
import { ports } from "../../fabric/ports.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import type { Guest } from "../../model.ts";
import { hostName } from "../machines/addresses.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { readCredentials, settleMsOf } from "./portainer.ts";

/** Whether somebody else runs the site's Portainer. */
export function isExternal(config: Cell | undefined): boolean {
  return config?.get("portainer_api")?.get("external")?.flag === true;
}

/** Undefined when nobody else runs Portainer. @param primary the machine with the role primary, where there is one; its address counts without a url */
export async function readExternalPortainer(
  config: Cell,
  primary: Guest | undefined,
  secrets: SecretReader,
  problems: Problems,
): Promise<ExternalPortainer | undefined> {
  const api = config.get("portainer_api");
  if (api === undefined || !isExternal(config)) return undefined;
  const place = readPlace(config, api, primary, problems);
  const fingerprint = readFingerprint(api.get("fingerprint"), problems);
  const credentials = await readCredentials(config, secrets, problems);
  if (place === undefined || credentials === undefined) return undefined;
  const name = api.get("portainer_hostname");
  const hostname = hostName(name?.text ?? "");
  if (name !== undefined && hostname === undefined)
    return problems.invalid("PHX0704", name, "host name", "use letters, digits and hyphens between dots");
  const adminUser = api.get("admin_user")?.text ?? "admin";
  return {
    ...place,
    hostname: hostname ?? place.address,
    adminUser,
    ...credentials,
    ...defined({ fingerprint }),
    settleMs: settleMsOf(api),
  };
}

function readPlace(
  config: Cell,
  api: Cell,
  primary: Guest | undefined,
  problems: Problems,
): { address: string; port: number } | undefined {
  const written = api.get("url");
  const hint = '"portainer_api": {"external": true, "url": "https://10.0.0.5:9443", "api_key": …}';
  if (written?.text !== undefined) {
    const [, address = "", port = String(ports.https)] =
      /^https:\/\/([^/:]+)(?::(\d{1,5}))?\/?$/.exec(written.text) ?? [];
    if (addressNumber(address) !== undefined && Number(port) <= 65_535)
      return { address, port: Number(port) };
    return problems.invalid("PHX0704", written, "URL of Portainer with an address", hint);
  }
  if (primary?.address !== undefined) {
    const port = config.get("network")?.get("portainer_server_port")?.integer ?? ports.portainer;
    return { address: primary.address, port };
  }
  return problems.report(
    "PHX0704",
    api,
    "somebody else runs Portainer, and portainer_api does not say where",
    {
      hint,
    },
  );
}

function readFingerprint(cell: Cell | undefined, problems: Problems): string | undefined {
  if (cell?.text === undefined) return undefined;
  const digits = cell.text
    .replace(/^sha-?256[:=]\s*/i, "")
    .replaceAll(":", "")
    .toUpperCase();
  const hint = "64 hexadecimal digits, with or without colons";
  return /^[0-9A-F]{64}$/.test(digits)
    ? digits
    : problems.invalid("PHX0704", cell, "SHA-256 fingerprint", hint);
}
