/** make-directory of src/hosts/scripts.ts. */
import { done, failed, type Program } from "../parts.ts";
import { systemWords } from "../programs/system-words.ts";
import { linkBelow, refused } from "./boundary.ts";

export const makeDirectory: Program = ({ context, host, args }) => {
  const { files } = context;
  const [path = "", mode = "", owner = ""] = args;
  const link = linkBelow(context, host, path);
  if (link !== undefined) return refused(link);
  if (files.status(host, path)?.kind === "directory") return done();
  try {
    files.makeDirectory(host, path, mode === "" ? {} : { mode });
  } catch (error) {
    const words = systemWords(error);
    if (words === undefined) throw error;
    return failed(81, `mkdir: cannot create directory ‘${path}’: ${words}`);
  }
  if (files.status(host, path)?.kind !== "directory")
    return failed(81, `mkdir: cannot create directory ‘${path}’: File exists`);
  if (owner === "") return done();
  const account = files.accountOf(host, owner);
  if (typeof account === "string") return failed(82, `chown: ${account}`);
  files.changeMode(host, path, { account });
  return done();
};
