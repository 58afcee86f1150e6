/** nginx as a program: `-t`, `-T`, `-v`, `-V`, and `-s reload` to the running one (Debian 13: 1.26.3). */
import { type NginxDirective, nginxSource } from "../nginx/config.ts";
import { loadNginx, mainFile, type NginxTest, testNginx, testOutput } from "../nginx/load.ts";
import { done, failed, type Program } from "../parts.ts";
import { isActive } from "../units.ts";

/** The files that directives stand in, as they are first read; a file without any is missing here. */
function configurationOf({ configuration }: NginxTest, main: string): readonly string[] {
  const files = new Set([main]);
  const visit = (directives: readonly NginxDirective[]): void => {
    for (const { file, block } of directives) {
      files.add(file);
      visit(block ?? []);
    }
  };
  visit(configuration);
  return [...files];
}

export const nginx: Program = async ({ context, host, args }) => {
  if (args.includes("-v") || args.includes("-V")) return done("", "nginx version: nginx/1.26.3\n");
  const at = args.indexOf("-c");
  const main = at < 0 ? mainFile : (args[at + 1] ?? "");
  if (args.includes("-t") || args.includes("-T")) {
    const source = nginxSource(context, host);
    const read = new Map<string, string>();
    const text = (path: string): string | undefined => {
      const found = source.text(path);
      if (found !== undefined) read.set(path, found);
      return found;
    };
    const test = testNginx(context, { ...source, text }, main);
    const dumped = args.includes("-T") && test.emergency === undefined ? configurationOf(test, main) : [];
    const stdout = dumped.map((path) => `# configuration file ${path}:\n${read.get(path) ?? ""}\n`).join("");
    return { stdout, ...testOutput(test, main, args.includes("-q")) };
  }
  const signal = args[args.indexOf("-s") + 1];
  if (!args.includes("-s")) return failed(1, "nginx: the lab runs nginx as a unit");
  if (!isActive(context, host, "nginx"))
    return failed(1, 'nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)');
  if (signal !== "reload") return done();
  const problem = await loadNginx(context, host);
  return problem === undefined ? done() : failed(1, problem);
};
