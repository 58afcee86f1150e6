/** A real site with its owner's mistakes corrected: the site's files stay as they are, the overlay's are laid over a copy. */
import { cpSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Beside the repository; absent on machines that have only the repository. */
export const realSite = join(import.meta.dirname, "../../../shared/sites/thinkheads");
export const overlay = join(import.meta.dirname, "thinkheads-overlay");
export const hasRealSite = existsSync(realSite);

/** The directory of a fresh copy with the overlay in it. The caller removes it. */
export function correctedSite(): string {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-real-site-"));
  cpSync(realSite, directory, { recursive: true });
  cpSync(overlay, directory, { recursive: true });
  return directory;
}
