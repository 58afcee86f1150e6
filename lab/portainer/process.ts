/** What Portainer does when its container starts, before it listens (2.23 api/cmd/portainer/main.go). */
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { optionOf } from "../docker/command-options.ts";
import type { ContainerSpec } from "../docker/state.ts";
import { readTextIfThere } from "../store.ts";
import { hashPassword, openDatabase } from "./database.ts";
import { featuresOf } from "./features.ts";

export interface ProcessFiles {
  /** The real path of a file that the container sees; undefined where nothing is mounted. */
  path(inContainer: string): string | undefined;
  /** The real path of /data. */
  readonly data: string;
  /** A running server has its database open. */
  readonly busy?: boolean;
}

export interface ProcessStart {
  /** Undefined while it runs. */
  readonly exitCode?: number;
  readonly log: readonly string[];
}

/** Where the served pair is copied to, in the data directory: the options' files are read at a start only. */
export const servedPair = { cert: "certs/cert.pem", key: "certs/key.pem" } as const;

export function startPortainerProcess(
  { command, image }: Pick<ContainerSpec, "command" | "image">,
  files: ProcessFiles,
): ProcessStart {
  const read = (option: string): { readonly path: string; readonly text: string | undefined } | undefined => {
    const path = optionOf(command, option);
    const real = path === undefined ? undefined : files.path(path);
    if (path === undefined) return undefined;
    return { path, text: real === undefined ? undefined : readTextIfThere(real) };
  };
  const fatal = (words: string): ProcessStart => ({ exitCode: 1, log: [`FTL ${words}`] });
  const password = read("--admin-password-file");
  if (password !== undefined && optionOf(command, "--admin-password") !== undefined)
    return fatal('invalid CLI flags error="Cannot use --admin-password with --admin-password-file"');
  if (password !== undefined && password.text === undefined)
    return fatal(
      `failed getting admin password file error="open ${password.path}: no such file or directory"`,
    );
  const pair = { cert: read("--sslcert"), key: read("--sslkey") };
  for (const file of [pair.cert, pair.key])
    if (file !== undefined && file.text === undefined)
      return fatal(`failed initializing ssl service error="open ${file.path}: no such file or directory"`);
  if (pair.cert?.text !== undefined && pair.key?.text !== undefined) {
    if (!isPair(pair.cert.text, pair.key.text))
      return fatal('failed initializing ssl service error="tls: private key does not match public key"');
    for (const [target, text] of [
      [servedPair.cert, pair.cert.text],
      [servedPair.key, pair.key.text],
    ] as const) {
      const copy = join(files.data, target);
      mkdirSync(dirname(copy), { recursive: true });
      writeFileSync(copy, text, { mode: 0o600 });
    }
  }
  const database = openDatabase(files.data);
  const { users } = database.read();
  const log = ["INF starting HTTPS server bind_address=:9443"];
  if (password?.text !== undefined && users.length === 0) {
    // Exactly one line feed is taken off, and the length is not checked.
    const admin = {
      id: 1,
      name: "admin",
      password: hashPassword(password.text.replace(/\n$/, "")),
      tokenIssueAt: 0,
    };
    database.write({ users: [admin] });
    log.unshift("INF created admin user with the given password");
  } else if (users.length === 0 && featuresOf(image).setupToken && !command.includes("--no-setup-token")) {
    log.push(`INF setup_token=${randomBytes(32).toString("hex")}`);
  }
  return { log };
}

function isPair(cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
