/**
 * The real program with a fuse: bundled from the same sources as dist/, except that every lab it opens tells of its effects
 * and can kill the process at one of them. Nothing else is changed, so what a child of this bundle does is what a user sees.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "esbuild";
import { bundle } from "../../../script/bundle.mjs";
import type { Said } from "../../cli/edge.ts";
import { shared } from "./shared.ts";

const root = join(import.meta.dirname, "../../..");

/** Where in the life of an effect the process dies: just before it, or as soon as it is done. */
export type KillPoint = "before" | "after";

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** SIGKILL at the n-th effect, counted from 1. */
  readonly kill?: { readonly point: KillPoint; readonly at: number };
  /** Portainer's container is killed before, during or after the n-th request to it, counted from 1. */
  readonly portainer?: {
    readonly point: "before" | "during" | "after";
    readonly at: number;
    readonly host: string;
  };
  /** A file that gets one JSON line for each command and request: see `TraceLine` in fused-lab.ts. */
  readonly trace?: string;
  /** A directory that gets a copy of the lab for each moment in which a kill would leave another one. */
  readonly moments?: string;
}

export interface Ended extends Said {
  readonly signal: NodeJS.Signals | null;
}

/** Starts the fused program and waits for its end. */
export async function program(
  argv: readonly string[],
  { env, kill, portainer, trace, moments }: ProgramOptions = {},
): Promise<Ended> {
  const entry = await bundled();
  const { PHOENIX_SITE: _, PHOENIX_LAB: __, FORCE_COLOR: ___, ...inherited } = process.env;
  const child = spawn(process.execPath, [entry, ...argv], {
    env: {
      ...inherited,
      ...env,
      ...(kill === undefined ? {} : { FUSE_KILL: `${kill.point}:${kill.at}` }),
      ...(portainer === undefined
        ? {}
        : { FUSE_PORTAINER: `${portainer.point}:${portainer.at} ${portainer.host} portainer_server` }),
      ...(trace === undefined ? {} : { FUSE_TRACE: trace }),
      ...(moments === undefined ? {} : { FUSE_MOMENTS: moments }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

let entry: Promise<string> | undefined;

function bundled(): Promise<string> {
  entry ??= fusedProgram();
  return entry;
}

/** Made once for all test files; whoever comes second takes what is there. */
async function fusedProgram(): Promise<string> {
  const target = join(shared(), "program");
  const main = join(target, "main.js");
  if (existsSync(main)) return main;
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await bundle(fresh, [fuse]);
  try {
    renameSync(fresh, target);
  } catch {
    rmSync(fresh, { recursive: true });
  }
  return main;
}

/** Wherever the program opens a lab, it opens one with a fuse. */
const fuse: Plugin = {
  name: "fuse",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/lab\.ts$/ }, ({ importer }) =>
      importer === join(root, "lab/index.ts")
        ? { path: join(import.meta.dirname, "fused-lab.ts") }
        : undefined,
    );
  },
};
