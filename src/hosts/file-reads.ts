/** Reading files with the script `read-files`: one round trip for all reads of a host at the same moment. */
import { CommandError } from "../errors.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import type { HostName } from "../resource.ts";
import { commandError, hintFor } from "./command-error.ts";
import { isOfOneCommand } from "./command-limits.ts";
import { boundary, type CommandResult, type FileState } from "./host.ts";
import * as scripts from "./scripts.ts";
import { textOf } from "./text.ts";

/** Runs the script over paths. */
type ReadScript = (paths: readonly string[]) => Promise<CommandResult>;
/** The result of each path; an absent file has no entry. */
type Answers = ReadonlyMap<string, FileState | CommandError>;

/** Characters of paths in one round trip: one argument of ssh, which holds the whole command, takes 128 KiB on Linux. */
const mostText = 65_536;

interface Waiting {
  readonly paths: readonly string[];
  readonly resolve: (files: ReadonlyMap<string, FileState>) => void;
  readonly reject: (error: unknown) => void;
}

/** `readFiles` of a host. A file that cannot be read is an error for its own readers only. */
export function fileReads(
  host: HostName,
  run: ReadScript,
): (paths: readonly string[]) => Promise<ReadonlyMap<string, FileState>> {
  let waiting: Waiting[] = [];
  const read = async (paths: readonly string[]): Promise<Answers> => {
    const trips = await Promise.all(
      inTrips(paths).map(async (trip) => answersOf(host, trip, await run(trip))),
    );
    return new Map(trips.flatMap((answers) => [...answers]));
  };
  const leave = (): void => {
    const together = waiting;
    waiting = [];
    const answers = read([...new Set(together.flatMap(({ paths }) => paths))]);
    for (const { paths, resolve, reject } of together) {
      const own = answers.catch((error: unknown) => {
        if (together.length === 1 || !isOfOneCommand(error)) throw error;
        return read(paths);
      });
      own.then((found) => resolve(filesOf(paths, found))).catch(reject);
    }
  };
  return (paths) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(leave);
      waiting.push({ paths, resolve, reject });
    });
}

/** @throws CommandError for the first of these paths that cannot be read */
function filesOf(paths: readonly string[], answers: Answers): ReadonlyMap<string, FileState> {
  const files = new Map<string, FileState>();
  for (const path of paths) {
    const answer = answers.get(path);
    if (answer instanceof CommandError) throw answer;
    if (answer !== undefined) files.set(path, answer);
  }
  return files;
}

function inTrips(paths: readonly string[]): readonly (readonly string[])[] {
  const trips: string[][] = [];
  let text = mostText;
  for (const path of paths) {
    text += path.length + 1;
    if (text > mostText) {
      trips.push([]);
      text = path.length;
    }
    trips.at(-1)?.push(path);
  }
  return trips;
}

/** Lines with a number are about the path of that number; the others are about the rest, in order. */
function answersOf(host: HostName, paths: readonly string[], result: CommandResult): Answers {
  if (result.exitCode !== 0) throw commandError(host, scripts.readFiles.name, result);
  const numbered = new Map<number, string>();
  const others: string[] = [];
  let content = Buffer.alloc(0);
  for (const line of result.stdout.split("\n")) {
    const [, number, rest = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
    if (number !== undefined) numbered.set(Number(number), rest);
    else if (line.startsWith("content ")) content = Buffer.from(line.slice("content ".length), "base64");
    else others.push(line);
  }
  const answers = new Map<string, FileState | CommandError>();
  let [at, from] = [0, 0];
  for (const [index, path] of paths.entries()) {
    const line = numbered.get(index) ?? others[at++] ?? "";
    const [kind, mode = "", names = "", numbers = "", link = "", text = ""] = line.split(" ");
    const meta = { mode, owner: ownerOf(names, numbers), ids: numbers };
    if (kind === "absent") continue;
    if (kind === "part") {
      const to = from + Number(link);
      answers.set(
        path,
        to <= content.length
          ? { text: textOf(content.subarray(from, to)), ...meta }
          : unreadable(host, path, "", result),
      );
      from = to;
    } else if (kind === "file" || kind === "dangling") {
      const target = link === "-" ? {} : { link: textOf(Buffer.from(link, "base64")) };
      answers.set(path, { text: textOf(Buffer.from(text, "base64")), ...meta, ...target });
    } else answers.set(path, unreadable(host, path, line, result));
  }
  return answers;
}

function unreadable(host: HostName, path: string, line: string, { stderr }: CommandResult): CommandError {
  const plain = path.replace(boundary, "/");
  const complaints = stderr.split("\n").filter((complaint) => complaint.includes(plain));
  const reasons: Record<string, string> = {
    linked: "part of its path is a symbolic link",
    directory: "it is a directory",
    other: "it is not a regular file",
    denied: lastLines(complaints.join("\n")) || "Permission denied",
  };
  const reason = reasons[line] ?? "the answer is incomplete";
  return new CommandError(host, 1, `cannot read ${plain} on ${host}: ${reason}`, { hint: hintFor(reason) });
}

/** `stat` prints UNKNOWN for a user or group that has no name. */
function ownerOf(names: string, numbers: string): string {
  const [user = "", group = ""] = names.split(":");
  const [uid = "", gid = ""] = numbers.split(":");
  return `${user === "UNKNOWN" ? uid : user}:${group === "UNKNOWN" ? gid : group}`;
}
