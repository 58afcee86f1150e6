/** keepalived-test of the keepalived component: the checker on a candidate. */
import { readKeepalived } from "../keepalived/config.ts";
import type { Program } from "../parts.ts";
import { isInstalled } from "../units.ts";

const candidate = "/tmp/tmp.phoenixLab";

export const keepalivedTest: Program = ({ context, host, stdin }) => {
  if (!isInstalled(context, host, "keepalived"))
    return { exitCode: 127, stdout: "", stderr: "sh: keepalived: not found\n" };
  const { problems, isFatal } = readKeepalived(stdin, candidate, ["lo", "eth0"]);
  const stderr = problems.map((problem) => `${problem}\n`).join("");
  // Codes of the real one: 5 where an interface is missing, 4 for other faults.
  return { exitCode: isFatal ? 5 : problems.length > 0 ? 4 : 0, stdout: "", stderr };
};
