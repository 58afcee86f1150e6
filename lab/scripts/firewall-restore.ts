/** firewall-restore of src/components/firewall/undo.ts: the steps of a manifest, each of which puts one thing back. */
import { done, failed, type Program } from "../parts.ts";
import { systemWords } from "../programs/system-words.ts";
import { stopUnit } from "../units.ts";

export const firewallRestore: Program = ({ context, host, args }) => {
  const { files } = context;
  const [directory = ""] = args;
  const complaints: string[] = [];
  for (const line of (files.text(host, `${directory}/manifest`) ?? "").split("\n")) {
    const [step, copy = "", path = ""] = line.split(" ");
    try {
      if (step === "file") files.write(host, path, files.read(host, `${directory}/${copy}`));
      if (step === "absent") files.remove(host, path);
      if (step === "stopped") stopUnit(context, host, "pve-firewall");
    } catch (error) {
      complaints.push(`${path}: ${systemWords(error) ?? String(error)}`);
    }
  }
  if (complaints.length > 0) return failed(1, complaints.join("\n"));
  for (const place of ["multi-user.target.wants/", ""])
    files.remove(host, `/etc/systemd/system/${place}phoenix-firewall-undo-at-boot.service`);
  files.write(host, `${directory}/restored`, "restored\n");
  return done();
};
