/** Whether a commit is signed by one of those whom the site names. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isMissing, messageOf } from "../errors.ts";
import { allowedSigners, parseSigner, type Signer } from "../formats/signers/index.ts";
import type { Git } from "./git.ts";

/**
 * Why a commit does not count as signed; undefined when one of the signers signed it.
 * @param root what paths of allowed signers files are relative to
 */
export async function signatureFault(
  git: Git,
  commit: string,
  signedBy: readonly string[],
  root: string,
): Promise<string | undefined> {
  const signers = signedBy.flatMap((text) => parseSigner(text) ?? []);
  const directory = await mkdtemp(join(tmpdir(), "phoenix-signers-"));
  try {
    const file = join(directory, "allowed");
    await writeFile(file, `${await textsOf(signers, root)}${allowedSigners(signers)}`, { mode: 0o600 });
    // git's format placeholders: the signature's status, the key's fingerprint, its primary key's, who signed.
    const { exitCode, stdout } = await git.run(
      ["log", "-1", "--no-show-signature", "--format=%G?%n%GF%n%GP%n%GS", commit, "--"],
      [`gpg.ssh.allowedSignersFile=${file}`, "gpg.minTrustLevel=undefined"],
    );
    const [status = "", key = "", primary = ""] = stdout.split("\n");
    return exitCode === 0 ? faultOf(status, [key, primary], signers) : "its signature cannot be checked";
  } catch (error) {
    if (isMissing(error)) return `the allowed signers cannot be read: ${messageOf(error)}`;
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function textsOf(signers: readonly Signer[], root: string): Promise<string> {
  const paths = signers.flatMap((signer) => (signer.kind === "file" ? [resolve(root, signer.path)] : []));
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  return texts.map((text) => `${text}\n`).join("");
}

/** @param status git's letter of the signature: `man git-log`, %G? */
export function faultOf(
  status: string,
  keys: readonly string[],
  signers: readonly Signer[],
): string | undefined {
  const isSsh = keys.some((key) => key.startsWith("SHA256:"));
  const known = signers.flatMap((signer) => (signer.kind === "gpg" ? [signer.fingerprint] : []));
  // Of an SSH signature "G" says that an allowed signer made it; of a GPG one that the key is in a keyring, which is not enough.
  if (isSsh && status === "G") return undefined;
  const isNamed = keys.some((key) => known.includes(key.toUpperCase()));
  if (!isSsh && isNamed && ["G", "U"].includes(status)) return undefined;
  return faults[status] ?? "it is signed by a key that unattended.source.signed_by does not name";
}

const faults: Readonly<Record<string, string>> = {
  N: "it is not signed",
  B: "its signature is not valid",
  X: "its signature has expired",
  Y: "it is signed by a key that has expired",
  R: "it is signed by a key that was revoked",
  E: "its signature cannot be checked: the key is not there",
};
