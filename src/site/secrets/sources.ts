/** The sources of secrets: the environment, files, age files and the output of commands. */
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";
import { codeOf, SiteError } from "../../errors.ts";
import { splitWords } from "../../formats/shell/hook.ts";
import { isBelow, type SiteFiles } from "../text/source-file.ts";

/** Milliseconds: enough for a command that asks a server, not for one that asks a person. */
const commandTimeoutMs = 10_000;
/** Bytes. No variable can hold a larger secret. */
const largestSecret = 64 * 1024;

/**
 * The value of a reference, without one line break at its end.
 * @throws SiteError, which never contains any part of a value
 */
export async function lookUp(kind: SecretKind, target: string, files: SiteFiles): Promise<string> {
  return sources[kind](target, files);
}

export type SecretKind = "env" | "file" | "age" | "exec";

const sources: Readonly<Record<SecretKind, (target: string, files: SiteFiles) => string | Promise<string>>> =
  {
    env: fromEnvironment,
    file: fromFile,
    age: fromAge,
    exec: fromCommand,
  };

function fromEnvironment(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new SiteError(`${JSON.stringify(name)} is not a valid variable name`);
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new SiteError(`the environment variable ${name} is ${value === undefined ? "not set" : "empty"}`, {
      hint: `set it where phoenix runs: export ${name}=…`,
    });
  return value;
}

async function fromFile(target: string, files: SiteFiles): Promise<string> {
  const value = withoutLineBreak((await bytesOf(target, files)).toString("utf8"));
  if (value === "") throw new SiteError(`${target} is empty`);
  return value;
}

/** Paths are absolute, below the home directory ("~/"), or below the site's root, where links may not lead out. */
function pathOf(target: string, files: SiteFiles): string {
  if (target.startsWith("~/")) return join(homedir(), target.slice(2));
  const path = resolve(files.root, target);
  const link = isBelow(files.root, target) ? files.linkOut(relative(files.root, path)) : undefined;
  if (link === undefined) return path;
  throw new SiteError(`${link} is a link that leads out of the site`, {
    hint: "name the file that it leads to: file:/PATH",
  });
}

async function bytesOf(target: string, files: SiteFiles): Promise<Buffer> {
  if (target === "") throw new SiteError("the reference names no file");
  const path = pathOf(target, files);
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new SiteError(`${target} is not a regular file`);
    if (found.size > largestSecret) throw new SiteError(`${target} is larger than 64 KiB`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof SiteError) throw error;
    const code = codeOf(error) ?? "";
    throw new SiteError(
      code === "ENOENT" || code === "ENOTDIR"
        ? `${target} does not exist`
        : `cannot read ${target} (${code})`,
    );
  }
}

/** The identities that decrypt age files: from PHOENIX_AGE_IDENTITY_FILE, or else from the first default place that has one. */
async function ageIdentities(): Promise<readonly string[]> {
  const named = process.env.PHOENIX_AGE_IDENTITY_FILE;
  const places =
    named === undefined || named === ""
      ? ["/etc/phoenix/age.key", join(homedir(), ".config/phoenix/age.key")]
      : [named];
  for (const place of places) {
    const text = await readFile(place, "utf8").catch(() => undefined);
    const identities = text?.split("\n").filter((line) => line.startsWith("AGE-SECRET-KEY-")) ?? [];
    if (identities.length > 0) return identities.map((line) => line.trim());
  }
  throw new SiteError(`no age identity in ${places.join(" or ")}`, {
    hint: "set PHOENIX_AGE_IDENTITY_FILE to a file that age-keygen wrote",
  });
}

/** The member KEY of an encrypted file that holds a JSON object or lines of NAME=value; the whole file without "#KEY". */
async function fromAge(target: string, files: SiteFiles): Promise<string> {
  const at = target.lastIndexOf("#");
  const file = at < 0 ? target : target.slice(0, at);
  const key = at < 0 ? undefined : target.slice(at + 1);
  const [bytes, identities, { Decrypter, armor }] = await Promise.all([
    bytesOf(file, files),
    ageIdentities(),
    import("age-encryption"),
  ]);
  let plain: string;
  try {
    const decrypter = new Decrypter();
    for (const identity of identities) decrypter.addIdentity(identity);
    const isArmored = bytes.subarray(0, 5).toString("latin1") === "-----";
    const sealed = isArmored ? armor.decode(bytes.toString("utf8").trim()) : new Uint8Array(bytes);
    plain = await decrypter.decrypt(sealed, "text");
  } catch {
    throw new SiteError(`cannot decrypt ${file} with this identity`, {
      hint: "encrypt it for the recipient of the identity: age -r age1…",
    });
  }
  const value = key === undefined ? withoutLineBreak(plain) : memberOf(plain, key);
  if (value === undefined || value === "") throw new SiteError(`${file} has no ${key ?? "text"}`);
  return value;
}

function memberOf(plain: string, key: string): string | undefined {
  if (/^\s*\{/.test(plain)) {
    try {
      const members = new Map(Object.entries(JSON.parse(plain) as Record<string, unknown>));
      const value = members.get(key);
      return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
    } catch {
      return undefined;
    }
  }
  for (const line of plain.split(/\r?\n/)) {
    const [, name, value = ""] = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === key) return value.replace(/^(["'])(.*)\1$/, "$2");
  }
  return undefined;
}

/** No shell runs: spaces separate words, and quotes keep spaces in a word. */
async function fromCommand(target: string, { root }: SiteFiles): Promise<string> {
  const [command, ...args] = splitWords(target).words;
  if (command === undefined) throw new SiteError("exec: names no command");
  const { execFile } = await import("node:child_process");
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      {
        cwd: root,
        timeout: commandTimeoutMs,
        maxBuffer: largestSecret,
        encoding: "utf8",
        killSignal: "SIGKILL",
      },
      (error, stdout) => {
        if (error === null) {
          const value = withoutLineBreak(stdout);
          if (value === "") reject(new SiteError(`the command ${command} printed nothing`));
          else resolve(value);
          return;
        }
        const { code, killed } = error as { code?: unknown; killed?: boolean };
        const reason = killed
          ? `took longer than ${commandTimeoutMs / 1000} s or printed too much`
          : code === "ENOENT"
            ? "does not exist"
            : `exited with ${String(code)}`;
        reject(new SiteError(`the command ${command} ${reason}`));
      },
    );
    child.stdin?.end();
  });
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, "");
}
