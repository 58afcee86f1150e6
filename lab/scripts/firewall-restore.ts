/** firewall-restore of src/components/firewall/undo.ts: the steps of a manifest, each of which puts one thing back. */
import { createHash } from "node:crypto";
import type { HostName } from "../../src/resource.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { systemWords } from "../programs/system-words.ts";
import { armTimer } from "../timers.ts";
import { isActive, setUnit, stopUnit } from "../units.ts";

const unit = "phoenix-firewall-undo";
const daemon = "pve-firewall";

export const firewallRestore: Program = ({ context, host, args }) => {
  const { files } = context;
  const [directory = ""] = args;
  const steps = (files.text(host, `${directory}/manifest`) ?? "").split("\n").map((line) => line.split(" "));
  const [, number = "", marker = ""] = steps.find(([step]) => step === "cluster") ?? [];
  if (marker !== "") {
    const isConfirmed = Number(files.text(host, marker) ?? Number.NaN) >= Number(number);
    if (isConfirmed) {
      removeUnits(context, host);
      return done();
    }
    if (!isWritable(context, host, marker)) {
      // The script waits in a loop, with the daemon stopped; here it is looked at again after a second.
      if (isActive(context, host, daemon)) files.write(host, `${directory}/stopped`, "");
      stopUnit(context, host, daemon);
      armTimer(context, {
        host,
        unit,
        dueMs: context.clock.now() + 1_000,
        argv: ["/bin/sh", `${directory}/restore`, directory],
      });
      return done();
    }
  }
  const told = steps.flatMap((step) => restoreStep(context, host, directory, step));
  if (files.status(host, `${directory}/stopped`) !== undefined) {
    files.remove(host, `${directory}/stopped`);
    setUnit(context, host, daemon, { state: "active", startedMs: context.clock.now() });
  }
  const complaints = told.flatMap(({ complaint }) => complaint ?? []);
  if (complaints.length > 0) return failed(1, complaints.join("\n"));
  removeUnits(context, host);
  const left = told.map(({ left }) => (left === undefined ? "" : `left ${left}\n`)).join("");
  files.write(host, `${directory}/restored`, `restored\n${left}`);
  return done();
};

interface Told {
  readonly complaint?: string;
  readonly left?: string;
}

function restoreStep(
  context: Lab,
  host: HostName,
  directory: string,
  [step, copy = "", path = "", known]: readonly string[],
): readonly Told[] {
  const { files } = context;
  const now = step === "file" || step === "absent" ? files.text(host, path) : undefined;
  const before = step === "file" ? files.text(host, `${directory}/${copy}`) : undefined;
  const digest = now === undefined ? "absent" : createHash("sha256").update(now).digest("hex");
  try {
    if (step === "stopped") stopUnit(context, host, daemon);
    if ((step !== "file" && step !== "absent") || now === before) return [];
    if (known !== undefined && known !== "" && !known.split(",").includes(digest)) return [{ left: path }];
    if (step === "file") files.write(host, path, files.read(host, `${directory}/${copy}`));
    else files.remove(host, path);
    return [];
  } catch (error) {
    return [{ complaint: `${path}: ${systemWords(error) ?? String(error)}` }];
  }
}

/** pmxcfs refuses every change without quorum. */
function isWritable({ files }: Lab, host: HostName, beside: string): boolean {
  try {
    files.makeDirectory(host, `${beside}.phx-lab`);
    files.remove(host, `${beside}.phx-lab`);
    return true;
  } catch {
    return false;
  }
}

function removeUnits({ files }: Lab, host: HostName): void {
  for (const place of ["multi-user.target.d/phoenix-firewall-undo.conf", `${unit}-at-boot.service`])
    files.remove(host, `/etc/systemd/system/${place}`);
}
