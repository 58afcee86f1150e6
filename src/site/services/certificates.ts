/** The manifest's certificates. */

import { addressNumber } from "../../formats/ipv4/index.ts";
import { parseHook } from "../../formats/shell/hook.ts";
import type { Certificate, Guest } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { hostOrWildcard } from "../machines/addresses.ts";
import { absolute } from "../machines/guests.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** The entries of a manifest, which is a list or an object. */
function entriesOf(root: Cell): readonly Cell[] {
  return (
    (root.node.kind === "array" ? root : root.get("certificates"))?.items.filter((item) => item.isObject) ??
    []
  );
}

export function readCertificates(root: Cell | undefined, problems: Problems): readonly Certificate[] {
  if (root === undefined) return [];
  const certificates = entriesOf(root).flatMap((cell) => {
    const certificate = readCertificate(cell, problems);
    return certificate === undefined ? [] : [certificate];
  });
  const paths = new Map<string, SourceRef>();
  for (const { certPath, keyPath, from } of certificates)
    for (const path of [certPath, keyPath]) {
      const taken = paths.get(path);
      if (taken !== undefined)
        problems.report("PHX0604", from, `two files have the path ${path}`, {
          related: taken === from ? [] : [taken],
        });
      paths.set(path, from);
    }
  return certificates;
}

function readCertificate(cell: Cell, problems: Problems): Certificate | undefined {
  const common = cell.get("common_name");
  const sans = cell.get("sans")?.each ?? [];
  const written = [...(common === undefined ? [] : [common]), ...sans];
  const names = written.flatMap((one) => {
    return (one.text ?? "").split(",").flatMap((part) => {
      const name = addressNumber(part.trim()) === undefined ? hostOrWildcard(part) : part.trim();
      if (name === undefined)
        problems.report("PHX0601", one.ref, `${JSON.stringify(part)} is not a valid host name or address`);
      return name === undefined ? [] : [name];
    });
  });
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
    ...(command?.text === undefined || command.text === ""
      ? {}
      : { postRenewal: { command: command.text, from: command.ref } }),
    from: cell.ref,
  };
}

function ownerOf(cell: Cell | undefined, problems: Problems): string {
  if (cell?.text === undefined) return "root:root";
  const [, user, group = user] =
    /^([a-z_][a-z0-9_-]*|\d+)(?::([a-z_][a-z0-9_-]*|\d+))?$/.exec(cell.text) ?? [];
  if (user !== undefined) return `${user}:${group}`;
  problems.report("PHX0603", cell.ref, `${JSON.stringify(cell.text)} is not a valid owner`, {
    hint: 'write it as "user:group"',
  });
  return "root:root";
}

/** The key's mode. A key that everybody can read is a warning. */
function modeOf(cell: Cell | undefined, problems: Problems): string {
  const [mode] = /^0?[0-7]{3}$/.exec(cell?.text ?? "600") ?? [];
  if (cell === undefined || mode !== undefined) {
    const digits = (mode ?? "600").slice(-3);
    if (cell !== undefined && Number(digits[2]) & 4)
      problems.report("PHX0608", cell.ref, `permissions ${digits} let everybody read the private key`, {
        hint: "use 640, which lets the owner's group read it",
      });
    return digits;
  }
  problems.report("PHX0603", cell.ref, `${JSON.stringify(cell.text)} is not a valid mode`, {
    hint: 'write three octal digits as text: "640"',
  });
  return "600";
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
    problems.report(
      "PHX0609",
      postRenewal.from,
      `this command runs in ${host}, which the site does not declare`,
      {
        hint: "name the guest that uses the certificate, or declare this one",
      },
    );
  }
}

/** Without duplicates, in alphabetical order. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
