/** Who may sign commits, as a site writes it: SSH public keys, GPG fingerprints, files of allowed signers (ssh-keygen(1), OpenSSH 8.2). Pure. */

export type Signer =
  /** "ssh-ed25519 AAAA…", without its comment. */
  | { readonly kind: "ssh"; readonly key: string }
  /** Upper-case hexadecimal, 40 or 64 digits. */
  | { readonly kind: "gpg"; readonly fingerprint: string }
  | { readonly kind: "file"; readonly path: string };

const sshKey = /^((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+ +[A-Za-z0-9+/]+={0,2})(?: .*)?$/;

/** undefined for what is none of them: a short key id can be forged, so it names nobody. */
export function parseSigner(text: string): Signer | undefined {
  const [, key] = sshKey.exec(text) ?? [];
  if (key !== undefined) return { kind: "ssh", key };
  const digits = text.replaceAll(/[\s:]/g, "").replace(/^0x/i, "");
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(digits))
    return { kind: "gpg", fingerprint: digits.toUpperCase() };
  const isPath = !/^[0-9a-f]+$/i.test(digits) && !/^SHA256:/.test(text) && !/\s/.test(text) && text !== "";
  return isPath ? { kind: "file", path: text } : undefined;
}

/** Lines for an allowed signers file: each key may sign commits of git in any name. */
export function allowedSigners(signers: readonly Signer[]): string {
  return signers
    .flatMap((signer) => (signer.kind === "ssh" ? [`* namespaces="git" ${signer.key}\n`] : []))
    .join("");
}
