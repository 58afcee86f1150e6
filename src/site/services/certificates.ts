/** The manifest's certificates. */

import { addressNumber } from "../../formats/ipv4/index.ts";
import { parseHook } from "../../formats/shell/hook.ts";
import type { Certificate, Guest } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { hostOrWildcard } from "../machines/addresses.ts";
import { absolute } from "../machines/guests.ts";
import type { Cell } from "../text/cell.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";

/** The certificates of a manifest, which is a list or an object. */
export function readCertificates(root: Cell | undefined, problems: Problems): readonly Certificate[] {
  const entries = (root?.isObject === true ? root.get("certificates") : root)?.items ?? [];
  const certificates = entries.flatMap((cell) =>
    cell.isObject ? (readCertificate(cell, problems) ?? []) : [],
  );
  const paths = new Claims<SourceRef>();
  for (const { certPath, keyPath, from } of certificates)
    for (const path of [certPath, keyPath]) {
      const taken = paths.take(path, from);
      if (taken !== undefined)
        problems.report("PHX0604", from, `two files have the path ${path}`, {
          related: taken === from ? [] : [taken],
        });
    }
  return certificates;
}

function readCertificate(cell: Cell, problems: Problems): Certificate | undefined {
  const common = cell.get("common_name");
  const sans = cell.get("sans")?.each ?? [];
  const written = [...(common === undefined ? [] : [common]), ...sans];
  const names = written.flatMap((one) =>
    (one.text ?? "").split(",").flatMap((part) => {
      const name = addressNumber(part.trim()) === undefined ? hostOrWildcard(part) : part.trim();
      return name ?? problems.invalid("PHX0601", { ref: one.ref, text: part }, "host name or address") ?? [];
    }),
  );
  const certPath = absolute(cell.get("cert_path"), problems);
  const keyPath = absolute(cell.get("key_path"), problems);
  const owner = ownerOf(cell.get("owner"), problems);
  const mode = modeOf(cell.get("permissions"), problems);
  const [commonName] = names;
  if (commonName === undefined || certPath === undefined || keyPath === undefined) return undefined;
  const command = cell.get("post_renewal_command");
  return {
    commonName,
    names: sortedNames(names),
    certPath,
    keyPath,
    owner,
    mode,
    ...(command?.text ? { postRenewal: { command: command.text, from: command.ref } } : {}),
    from: cell.ref,
  };
}

function ownerOf(cell: Cell | undefined, problems: Problems): string {
  if (cell?.text === undefined) return "root:root";
  const [, user, group = user] =
    /^([a-z_][a-z0-9_-]*|\d+)(?::([a-z_][a-z0-9_-]*|\d+))?$/.exec(cell.text) ?? [];
  if (user === undefined) problems.invalid("PHX0603", cell, "owner", 'write it as "user:group"');
  return user === undefined ? "root:root" : `${user}:${group}`;
}

/** The key's mode. A key that everybody can read is a warning. */
function modeOf(cell: Cell | undefined, problems: Problems): string {
  if (cell?.text === undefined) return "600";
  const [, mode] = /^0?([0-7]{3})$/.exec(cell.text) ?? [];
  if (mode === undefined)
    problems.invalid("PHX0603", cell, "mode", 'write three octal digits as text: "640"');
  else if (Number(mode[2]) & 4)
    problems.report("PHX0608", cell, `permissions ${mode} would let everybody read the private key`, {
      hint: 'the key gets 640 at most: name in "owner" the user or the group that reads it, as its guest knows them',
    });
  return mode ?? "600";
}

/** A command for an unknown guest would leave the old certificate in use until it expires. */
export function checkHooks(
  certificates: readonly Certificate[],
  guests: readonly Guest[],
  problems: Problems,
): void {
  for (const { postRenewal } of certificates) {
    if (postRenewal === undefined) continue;
    const { host } = parseHook(postRenewal.command);
    if (host === "pve" || guests.some((guest) => guest.host === host)) continue;
    const message = `this command runs in ${host}, which the site does not declare`;
    const hint = "name the guest that uses the certificate, or declare this one";
    problems.report("PHX0609", postRenewal.from, message, { hint });
  }
}

/** Without duplicates, in alphabetical order. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
