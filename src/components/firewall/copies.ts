/** The copies that the guard made, for the undo and for a rollback. */
import type { Io } from "../../component.ts";
import type { FileState, FileWrite } from "../../hosts/host.ts";
import { manifestSteps, undoPaths } from "./undo.ts";

export interface Copies {
  /** Every file of the undo; one without a copy did not exist. */
  readonly paths: readonly string[];
  readonly files: ReadonlyMap<string, FileState>;
  /** The undo stops the daemon, which did not run before. */
  readonly stops: boolean;
}

/** The copies on the hypervisor; undefined when there are none. */
export async function readCopies(io: Io): Promise<Copies | undefined> {
  const host = io.host("pve");
  const manifest = (await host.readFiles([undoPaths.manifest])).get(undoPaths.manifest);
  if (manifest === undefined) return undefined;
  const steps = manifestSteps(manifest.text);
  const copies = await host.readFiles(steps.flatMap(({ copy }) => copy ?? []));
  const files = steps.flatMap(({ path, copy }) => {
    const file = copy === undefined ? undefined : copies.get(copy);
    return path === undefined || file === undefined ? [] : [[path, file] as const];
  });
  return {
    paths: steps.flatMap(({ path }) => path ?? []),
    files: new Map(files),
    stops: steps.some(({ path }) => path === undefined),
  };
}

/** Restores every file byte for byte, in one write. @returns false when there are no copies */
export async function restoreCopies(io: Io): Promise<boolean> {
  const copies = await readCopies(io);
  if (copies === undefined) return false;
  const host = io.host("pve");
  const now = await host.readFiles(copies.paths);
  const writes = copies.paths.flatMap((path): readonly FileWrite[] => {
    const text = copies.files.get(path)?.text;
    return text === undefined || now.get(path)?.text === text ? [] : [{ path, text }];
  });
  await host.writeFiles(writes);
  await host.remove(copies.paths.filter((path) => !copies.files.has(path) && now.has(path)));
  return true;
}
