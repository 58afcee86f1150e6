/** The copies that the guard made: what the undo would put back, and what the way back puts back itself. */
import type { Io } from "../../component.ts";
import type { FileState, FileWrite } from "../../hosts/host.ts";
import { manifestSteps, undoPaths } from "./undo.ts";

export interface Copies {
  /** Every file that the undo speaks of; one without a copy was not there. */
  readonly paths: readonly string[];
  readonly files: ReadonlyMap<string, FileState>;
  /** The daemon did not run. */
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

/** Puts every file back byte for byte, in one go. @returns false when there are no copies */
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
