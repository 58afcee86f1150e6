/** What programs say when the file system refuses something. */
import { messageOf } from "../../src/errors.ts";
import { done, failed } from "../parts.ts";
import { codeOf } from "../store.ts";

/** The system's words for what went wrong, after the program's own. */
export function systemWords(error: unknown): string | undefined {
  const words: Readonly<Record<string, string>> = {
    ENOENT: "No such file or directory",
    EEXIST: "File exists",
    EISDIR: "Is a directory",
    ENOTDIR: "Not a directory",
    ENOTEMPTY: "Directory not empty",
    EBUSY: "Device or resource busy",
    ELOOP: "Too many levels of symbolic links",
    ENOSPC: "No space left on device",
    EPERM: "Operation not permitted",
    EACCES: "Permission denied",
    EINVAL: "Invalid argument",
    ENAMETOOLONG: "File name too long",
  };
  return words[codeOf(error) ?? ""];
}

/** Does something; what the file system refuses becomes the program's complaint and exit code 1. */
export function attempt(complaint: string, action: () => void): ReturnType<typeof done> {
  try {
    action();
    return done();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return failed(1, `${complaint}: ${systemWords(error) ?? messageOf(error)}`);
  }
}
