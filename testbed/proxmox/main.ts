/** The testbed's pct, qm, pvesh, pve-firewall, pveversion and pvecm. Arguments: the name of the program, then the program's own. */
import { pvecm, pveversion } from "./cluster.ts";
import { Refusal } from "./command-line.ts";
import { pveFirewall } from "./firewall/program.ts";
import { pct } from "./pct.ts";
import { pvesh } from "./pvesh.ts";
import { qm } from "./qm.ts";

const programs = { pct, qm, pvesh, "pve-firewall": pveFirewall, pveversion, pvecm };
const [name = "", ...args] = process.argv.slice(2);
try {
  process.exitCode = await programs[name as keyof typeof programs](args);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
