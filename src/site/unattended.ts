/** What the site says about runs that nobody watches: their hours, and where the site itself comes from. */
import { defined } from "../defined.ts";
import { parseSigner } from "../formats/signers/index.ts";
import { parseWindow } from "../formats/week/index.ts";
import type { SiteSource, UnattendedSettings } from "../unattended-settings.ts";
import type { Cell } from "./text/cell.ts";
import type { Problems } from "./text/problems.ts";

export function readUnattended(config: Cell | undefined, problems: Problems): UnattendedSettings | undefined {
  const cell = config?.get("unattended");
  if (cell === undefined) return undefined;
  const source = cell.get("source");
  const hours = cell.get("repair_hours");
  return defined({
    repairHours: hours === undefined ? undefined : readHours(hours, problems),
    source: source?.isObject === true ? readSource(source, problems) : undefined,
  });
}

function readHours(cell: Cell, problems: Problems): readonly string[] {
  const hint = 'write days and two times of day: "mon-fri 02:00-05:00", "sat,sun 22:00-04:00", "01:00-06:00"';
  if (cell.each.length === 0)
    problems.report("PHX0109", cell, "no repair hours: nothing that disrupts would ever be repaired", {
      hint: "without the key a run may disrupt at any time",
    });
  return cell.each.flatMap((window) => {
    if (window.text === undefined) return [];
    if (parseWindow(window.text) !== undefined) return [window.text];
    return problems.invalid("PHX0109", window, "window of the week", hint) ?? [];
  });
}

function readSource(cell: Cell, problems: Problems): SiteSource {
  const branch = cell.get("branch");
  const isName = branch?.text === undefined || isBranchName(branch.text);
  if (branch !== undefined && !isName) problems.invalid("PHX0109", branch, "branch name");
  const signers = cell.get("signed_by");
  const hint =
    'use an SSH public key ("ssh-ed25519 AAAA…"), the whole fingerprint of a GPG key, or the path of an allowed signers file';
  // An empty list says that nobody may sign, which is not the same as no list.
  if (signers !== undefined && signers.each.length === 0)
    problems.report("PHX0109", signers, "nobody may sign the site's commits", { hint });
  const signedBy = (signers?.each ?? []).flatMap((signer) => {
    if (signer.text === undefined) return [];
    if (parseSigner(signer.text) !== undefined) return [signer.text];
    return problems.invalid("PHX0109", signer, "signer", hint) ?? [];
  });
  return { ...defined({ branch: isName ? branch?.text : undefined }), signedBy };
}

/** What git-check-ref-format(1) forbids. */
function isBranchName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them
  const forbidden = /[\u0000- \u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|\/\.|\.lock(?:\/|$)|[/.]$|^@$/;
  return name !== "" && !forbidden.test(name);
}
