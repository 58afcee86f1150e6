/** Putting the inside of a lab together, without servers and without a world around it. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { SiteError } from "../src/errors.ts";
import { labClock } from "./clock.ts";
import { configOf, hasQuorum, nodeUnder } from "./cluster.ts";
import type { LabStore } from "./context.ts";
import { canStart, dispatch } from "./dispatch.ts";
import { type LabFacts, readFacts } from "./facts.ts";
import { faultOn, faultsOf } from "./faults.ts";
import { createFiles, type FilesOptions } from "./files.ts";
import { readLab } from "./lab-file.ts";
import { isNode } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { madeUpNames, madeUpText } from "./pmxcfs.ts";
import { createStore } from "./store.ts";
import { createTrees, treeOf } from "./tree.ts";

export interface ContextOptions {
  readonly signal: AbortSignal;
  /** How machines reach each other; absent where nothing listens. */
  readonly route?: Lab["route"];
}

/** The lab in `directory`. @throws SiteError where there is none */
export function openContext(directory: string, options: ContextOptions): Lab {
  const { clockOffsetMs = 0 } = readLab(directory);
  const store = createStore(directory);
  const facts = readFacts(store);
  if (facts === undefined) {
    throw new SiteError(`the lab in ${resolve(directory)} is not complete`, {
      hint: `make it again: phoenix lab reset ${directory}`,
    });
  }
  return contextOf(resolve(directory), store, facts, clockOffsetMs, options);
}

/** A lab that need not be complete yet: `initLab` fills it. */
export function contextOf(
  directory: string,
  store: LabStore,
  facts: LabFacts,
  clockOffsetMs: number,
  { signal, route }: ContextOptions,
): Lab {
  const clock = labClock(clockOffsetMs, signal);
  const trees = createTrees(directory, facts.mounts, (host) => treeOf(nodeUnder(lab, host)));
  for (const name of ["hosts", "state"]) mkdirSync(join(directory, name), { recursive: true });
  const { mounts } = facts;
  const files: Omit<FilesOptions, "changing" | "store"> = {
    directory,
    trees,
    mounts,
    clock,
    containerConfig: (id) => lab.files.text("pve", configOf(lab, { kind: "lxc", id, host: `lxc/${id}` })),
    madeUp: (host, path) => madeUpText(lab, host, path),
    madeUpNames: (host, path) => madeUpNames(lab, host, path),
    mayChangeCluster: (host) => !isNode(host) || hasQuorum(lab, host),
  };
  const readingStore: LabStore = {
    read: (name) => store.read(name),
    write: (name, value) => {
      if (JSON.stringify(value) !== JSON.stringify(store.read(name))) refuse(`the state of ${name}`);
    },
    settle: (name, before, after) => store.settle(name, before, after),
  };
  const shared = {
    directory,
    clock,
    facts,
    signal,
    root: trees.root,
    path: trees.locate,
    fault: (name, target) => {
      const found = faultOn(faultsOf(store), facts, name, target);
      return found === undefined ? undefined : (found.value ?? "");
    },
    has: (host, argv) => canStart(lab, host, argv),
    route: route ?? ((_, to) => Promise.resolve(to)),
  } satisfies Partial<Lab>;
  const reading: Lab = {
    ...shared,
    store: readingStore,
    files: createFiles({ ...files, store, changing: refuse }),
    run: (host, command) => dispatch(lab, host, { ...command, effect: "read" }),
    get reading() {
      return reading;
    },
  };
  const lab: Lab = {
    ...shared,
    store,
    files: createFiles({ ...files, store, changing: () => {} }),
    run: (host, command) => dispatch(lab, host, command),
    reading,
  };
  return lab;
}

/** A real host would just do it; here a wrong word about a command's effect comes out. */
function refuse(what: string): never {
  throw new Error(`a command that was declared to read only would change something: ${what}`);
}
