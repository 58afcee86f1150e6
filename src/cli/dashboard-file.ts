/** The dashboard without a server: one look, as an HTML file or as JSON. */
import { resolve } from "node:path";
import { type ExitCode, exitCodes } from "../errors.ts";
import type { Call } from "./command.ts";

/** @param html the file to write; undefined prints the document */
export async function printPage(call: Call, html: string | undefined): Promise<ExitCode> {
  const [{ withSession }, { lookAndDescribe }, { replaceFile, refuseUnwritable }] = await Promise.all([
    import("./session.ts"),
    import("./dashboard-look.ts"),
    import("./json-file.ts"),
  ]);
  const path = html === undefined ? undefined : resolve(call.terminal.directory, html);
  if (path !== undefined) await refuseUnwritable(path);
  return withSession(call, "read", async (session) => {
    session.run.emit({ type: "run-started", command: "plan", components: [] });
    const document = await lookAndDescribe(session);
    session.display.pause();
    if (path !== undefined) {
      const [{ staticPage }, { assets }] = await Promise.all([
        import("../dashboard/html.ts"),
        import("../dashboard/assets.ts"),
      ]);
      await replaceFile(path, staticPage(assets, document));
    }
    const { deliver } = await import("./output.ts");
    const lines = path === undefined ? [] : [`Wrote ${path}; only its owner may read it.`];
    await deliver(
      call,
      document,
      (shown) => shown,
      () => lines,
      session.site,
    );
    return exitCodes.converged;
  });
}
