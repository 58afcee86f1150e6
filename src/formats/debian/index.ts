/** Debian's packages. */
import type { Command } from "../../hosts/host.ts";

/** Installs a package and what it depends on, without a question. */
export function installPackage(name: string): Command {
  const install = ["apt-get", "install", "--yes", "--no-install-recommends", name];
  return {
    argv: ["env", "DEBIAN_FRONTEND=noninteractive", ...install],
    effect: "change",
    timeoutMs: 300_000,
  };
}
