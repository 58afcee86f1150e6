/** write-files of src/hosts/scripts.ts: all temporary files first, then every rename, in order. */
import { createHash } from "node:crypto";
import type { HostName } from "../../src/resource.ts";
import type { Account } from "../accounts.ts";
import { isPmxcfs } from "../files.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { systemWords } from "../programs/system-words.ts";
import { codeOf } from "../store.ts";
import { linkToParent } from "./boundary.ts";

/** The largest file that pmxcfs takes (pve-cluster 9.1). */
const pmxcfsLimit = 1024 * 1024;

interface Candidate {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: string;
  readonly account: Account | undefined;
  readonly staging: string | undefined;
}

/** Why the script ends: its exit code and what the failing tool said. */
class Refusal extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, says = "") {
    super(says);
    this.exitCode = exitCode;
  }
}

export const writeFiles: Program = ({ context, host, args, stdin }) => {
  const lines = stdin.split("\n");
  const count = Math.floor(args.length / 5);
  let at = 0;
  try {
    const candidates: Candidate[] = [];
    for (; at < count; at += 1) {
      candidates.push(prepared(context, host, args.slice(at * 5, at * 5 + 5), lines[at]));
    }
    at = 0;
    for (const { path, content, mode, account, staging } of candidates) {
      replace(context, host, path, content, {
        mode,
        ...(account === undefined ? {} : { account }),
        ...(staging === undefined ? {} : { staging }),
      });
      at += 1;
    }
    return done();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failed(error.exitCode, `${error.message === "" ? "" : `${error.message}\n`}file ${at}`);
  }
};

function prepared(
  lab: Lab,
  host: HostName,
  parameters: readonly string[],
  line: string | undefined,
): Candidate {
  const { files } = lab;
  const [path = "", mode = "", owner = "", sum = "", staging = ""] = parameters;
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  if (isPmxcfs(host, path) && files.status(host, "/etc/pve/.version") === undefined) throw new Refusal(87);
  const link = linkToParent(lab, host, path);
  if (link !== undefined) throw new Refusal(88, `${link} is a symbolic link`);
  if (files.status(host, path)?.kind === "directory") throw new Refusal(85);
  for (const directory of [parent, staging || parent]) {
    const complaint = `mkdir: cannot create directory ‘${directory}’`;
    attempt(81, complaint, () => files.makeDirectory(host, directory));
    if (files.status(host, directory)?.kind !== "directory")
      throw new Refusal(81, `${complaint}: Not a directory`);
  }
  if (lab.fault("disk-full", host) !== undefined)
    throw new Refusal(81, "sh: cannot create ./.phx.temp: No space left on device");
  const account = owner === "" ? undefined : files.accountOf(host, owner);
  if (typeof account === "string") throw new Refusal(82, `chown: ${account}`);
  if (isPmxcfs(host, path)) {
    if (mode !== "" && Number.parseInt(mode, 8) !== 0o640) throw new Refusal(82, notPermitted("mode"));
    if (account !== undefined && (account.uid !== 0 || account.gid !== 33))
      throw new Refusal(82, notPermitted("ownership"));
  }
  if (line === undefined) throw new Refusal(84);
  const content = Buffer.from(line, "base64");
  if (isPmxcfs(host, path) && content.length > pmxcfsLimit)
    throw new Refusal(83, "write error: File too large");
  if (createHash("sha256").update(content).digest("hex") !== sum) throw new Refusal(84);
  return { path, content, mode: mode || "644", account, staging: staging || undefined };
}

function notPermitted(what: "mode" | "ownership"): string {
  const verb = what === "mode" ? "chmod: changing permissions of" : "chown: changing ownership of";
  return `${verb} '/proc/self/fd/8': Operation not permitted`;
}

function replace(
  { files }: Lab,
  host: HostName,
  path: string,
  content: Buffer,
  options: Parameters<Lab["files"]["write"]>[3],
): void {
  attempt(86, `mv: cannot move to '${path}'`, () => files.write(host, path, content, options));
}

function attempt(exitCode: number, complaint: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new Refusal(exitCode, `${complaint}: ${systemWords(error) ?? codeOf(error)}`);
  }
}
