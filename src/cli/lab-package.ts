/** The lab: a package of its own beside the product, loaded here and nowhere else. */
import { SiteError } from "../errors.ts";

/** The lab's public face. @throws SiteError in an installation without it */
export async function loadLab() {
  try {
    return await import("../../lab/index.ts");
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new SiteError("the lab is not part of this installation", {
      hint: "build Phoenix from its repository, where the lab is: script/setup",
      cause: error,
    });
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && /^(?:ERR_MODULE_NOT_FOUND|ENOENT)$/.test(String(error.code))
  );
}
