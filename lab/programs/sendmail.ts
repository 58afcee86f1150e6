/** sendmail of Postfix 3.10, which every Proxmox host has: mail for anybody ends in /var/mail here, a file for each address. */
import { done, failed, type Program } from "../parts.ts";

export const sendmail: Program = ({ context, host, args, stdin }) => {
  const end = args.indexOf("--");
  const to = end < 0 ? args.filter((arg) => !arg.startsWith("-")) : args.slice(end + 1);
  if (to.length === 0)
    return failed(64, "sendmail: fatal: Recipient addresses must be specified on the command line");
  // Without -i a line with a dot alone would end the mail.
  const text = args.includes("-i") ? stdin : (stdin.split(/^\.$/m)[0] ?? "");
  const when = new Date(context.clock.now()).toUTCString();
  for (const address of to) {
    const path = `/var/mail/${address.replace(/@.*/, "")}`;
    const before = context.files.text(host, path) ?? "";
    context.files.write(host, path, `${before}From root ${when}\n${text}\n`, { mode: "660" });
  }
  return done();
};
