/** What was taken over, as it is now. */
import type { Io } from "../../component.ts";
import { type Change, type Resource, subjectOf } from "../../resource.ts";
import { isForeignContainer, readContainer } from "./containers.ts";
import { foreignPath } from "./files.ts";

/** The foreign files and containers among the changes; absent ones are left out. */
export async function readForeign(changes: readonly Change[], io: Io): Promise<readonly Resource[]> {
  const found = await Promise.all(
    changes.map(async (change): Promise<Resource | undefined> => {
      const subject = subjectOf(change);
      if (isForeignContainer(subject)) return readContainer(change, io);
      const path = foreignPath(subject);
      if (path === undefined) return undefined;
      const text = (await io.host(subject.host).readFiles([path])).get(path)?.text;
      return text === undefined ? undefined : { ...subject, text };
    }),
  );
  return found.flatMap((resource) => resource ?? []);
}
