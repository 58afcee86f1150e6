/** nginx as a program: `-t`, `-T`, `-v`, `-V`, and `-s reload` to the running one (Debian 13: 1.26.3). */
import { nginxSource } from "../nginx/config.ts";
import { loadNginx, mainFile, testNginx, testOutput } from "../nginx/load.ts";
import { done, failed, type Program } from "../parts.ts";
import { isActive } from "../units.ts";

export const nginx: Program = async ({ context, host, args }) => {
  if (args.includes("-v") || args.includes("-V")) return done("", "nginx version: nginx/1.26.3\n");
  const at = args.indexOf("-c");
  const main = at < 0 ? mainFile : (args[at + 1] ?? "");
  if (args.includes("-t") || args.includes("-T")) {
    const test = testNginx(context, nginxSource(context, host), main);
    return { stdout: "", ...testOutput(test, main, args.includes("-q")) };
  }
  const signal = args[args.indexOf("-s") + 1];
  if (!args.includes("-s")) return failed(1, "nginx: the lab runs nginx as a unit");
  if (!isActive(context, host, "nginx"))
    return failed(1, 'nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)');
  if (signal !== "reload") return done();
  const problem = await loadNginx(context, host);
  return problem === undefined ? done() : failed(1, problem);
};
