/** Importing a lab, as the command line does it: read only, into a directory that is removed at the end of the file. */

import { openLab } from "../../lab/lab.ts";
import { readOnly } from "../../src/hosts/decorators.ts";
import type { Draft } from "../../src/import/draft.ts";
import type { Left, PortainerCredentials } from "../../src/import/found.ts";
import { draftOf } from "../../src/import/parts/index.ts";
import { readHost } from "../../src/import/read/index.ts";
import { writeSite } from "../../src/import/save.ts";
import { filesOf, type SiteFile } from "../../src/import/write.ts";
import { newDirectory } from "./open.ts";

export interface Imported {
  /** The directory of the new site. */
  readonly root: string;
  readonly draft: Draft;
  readonly files: readonly SiteFile[];
}

/** @param lab the lab's directory */
export async function importLab(lab: string, portainer?: PortainerCredentials): Promise<Imported> {
  const world = await openLab(lab, { signal: new AbortController().signal, decorators: [readOnly] });
  try {
    const left: Left[] = [];
    const io = {
      host: world.host,
      network: world.network,
      clock: world.clock,
      left: (one: Left) => void left.push(one),
      cluster: () => world.cluster(),
      ...(portainer === undefined ? {} : { portainer }),
    };
    const found = await readHost(io, () => undefined);
    const { draft } = await draftOf(found, left);
    const files = filesOf(draft);
    const root = await newDirectory();
    await writeSite(root, files);
    return { root, draft, files };
  } finally {
    await world.close();
  }
}
