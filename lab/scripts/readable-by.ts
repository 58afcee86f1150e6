/** readable-by of src/components/certificates/readable.ts: a unit runs as the user that its unit file names. */
import { done, type Program } from "../parts.ts";
import { isActive } from "../units.ts";

export const readableBy: Program = ({ context, host, args }) => {
  const { files } = context;
  const [unit = "", path = ""] = args;
  if (!isActive(context, host, unit)) return done();
  const text = files.text(host, `/etc/systemd/system/${unit}.service`) ?? "";
  const user = /^User=(.+)$/m.exec(text)?.[1] ?? "root";
  const account = files.accountOf(host, `${user}:${user}`);
  if (typeof account === "string") return done();
  return done(`${user} ${files.isReadable(host, path, account) ? "yes" : "no"}\n`);
};
