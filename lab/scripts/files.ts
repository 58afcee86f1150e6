/** read-files, list and remove of src/hosts/scripts.ts. */
import { root } from "../accounts.ts";
import { done, failed, type Program } from "../parts.ts";
import { systemWords } from "../programs/system-words.ts";
import { linkBelow, linkToParent, refused } from "./boundary.ts";

export const readFiles: Program = ({ context, host, args }) => {
  const { files } = context;
  const complaints: string[] = [];
  const lines = args.map((path) => {
    if (linkBelow(context, host, path) !== undefined) return "linked";
    const target = files.linkTarget(host, path);
    const link = target === undefined ? "-" : base64(target);
    const there = files.status(host, path);
    const own = there ?? files.status(host, path, false);
    if (own === undefined) return "absent";
    const { mode, account, kind } = own;
    const meta = `${mode} ${files.ownerNames(host, account)} ${account.uid}:${account.gid} ${link}`;
    if (there === undefined) return `dangling ${meta}`;
    if (kind === "directory") return "directory";
    if (kind !== "file") return "other";
    if (!files.isReadable(host, path, root)) {
      complaints.push(`${path}: Permission denied`);
      return "denied";
    }
    return `file ${meta} ${files.read(host, path).toString("base64")}`;
  });
  return done(lines.map((line) => `${line}\n`).join(""), complaints.map((line) => `${line}\n`).join(""));
};

export const list: Program = ({ context, host, args }) => {
  const { files } = context;
  const [directory = ""] = args;
  const link = linkBelow(context, host, directory);
  if (link !== undefined) return refused(link);
  const there = files.status(host, directory);
  if (there === undefined) return done();
  if (there.kind !== "directory") return failed(1, `${directory}: not a directory`);
  return done(
    files
      .list(host, directory)
      .map((name) => `${name}\0`)
      .join(""),
  );
};

export const remove: Program = ({ context, host, args }) => {
  const { files } = context;
  const complaints: string[] = [];
  for (const path of args) {
    const link = linkToParent(context, host, path);
    if (link !== undefined) complaints.push(`${link} is a symbolic link`);
    else if (files.status(host, path, false)?.kind === "directory")
      complaints.push(`${path}: is a directory`);
    else {
      try {
        files.remove(host, path);
      } catch (error) {
        const words = systemWords(error);
        if (words === undefined) throw error;
        complaints.push(`rm: cannot remove '${path}': ${words}`);
      }
    }
  }
  return complaints.length === 0 ? done() : failed(1, complaints.join("\n"));
};

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
