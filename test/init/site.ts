/** New sites for tests, written by `phoenix init` in a directory of their own. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call } from "../cli/edge.ts";

/** The options of a site with one container and one virtual machine. */
const guests = ["--container", "120:media:192.168.1.20:8096", "--vm", "130:docker:192.168.1.30"];

export const common = ["--domain", "oak.home.arpa", "--address", "192.168.1.2/24", ...guests] as const;

/** Every part. */
export const full = [...common, "--parts", "dns,firewall,portainer"] as const;

/** The directory of a new site. @throws Error when it was not written */
export async function writtenSite(options: readonly string[]): Promise<string> {
  const directory = join(mkdtempSync(join(tmpdir(), "phoenix-init-")), "site");
  const { code, stderr } = await call(["init", directory, ...options]);
  if (code !== 0) throw new Error(stderr);
  return directory;
}
