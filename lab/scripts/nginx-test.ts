/** nginx-test of the nginx component: files in the places of enabled ones, without the distribution's site. */
import { type NginxSource, nginxSource } from "../nginx/config.ts";
import { mainFile, testNginx, testOutput } from "../nginx/load.ts";
import { failed, type Program } from "../parts.ts";

const enabled = "/etc/nginx/sites-enabled";
const copies = "/tmp/tmp.phoenixLab";
const candidateMain = "/etc/nginx/.phoenix-test.phxlab";

export const nginxTest: Program = ({ context, host, args, stdin }) => {
  const real = nginxSource(context, host);
  const given = stdin.split("\n").map((line) => Buffer.from(line, "base64").toString("utf8"));
  const files = new Map(args.map((path, at) => [path, given[at] ?? ""]));
  const main = files.get(mainFile) ?? real.text(mainFile) ?? "";
  if (!main.includes(`${enabled}/`))
    return failed(83, "nginx.conf does not include /etc/nginx/sites-enabled/*");
  const target = context.files.linkTarget(host, `${enabled}/default`);
  const isDistribution = /^(\/etc\/nginx|\.\.)\/sites-available\/default$/.test(target ?? "");
  const copied = (directory: string): readonly string[] => {
    const there = real.list(directory).filter((name) => !(isDistribution && name === "default"));
    const added = [...files.keys()].filter((path) => path.startsWith(`${directory}/`));
    const names = new Set([...there, ...added.map((path) => path.slice(directory.length + 1))]);
    return [...names].sort();
  };
  const asReal = (path: string): string => path.replace(`${copies}/`, "/etc/nginx/");
  const source: NginxSource = {
    text: (path) =>
      path === candidateMain
        ? main
            .replace(/\/etc\/nginx\/sites-enabled\/[^;]*;/g, `${copies}/sites-enabled/*;`)
            .replaceAll("/etc/nginx/conf.d/", `${copies}/conf.d/`)
        : (files.get(asReal(path)) ?? real.text(asReal(path))),
    list: (directory) => (directory.startsWith(copies) ? copied(asReal(directory)) : real.list(directory)),
  };
  const { exitCode, stderr } = testOutput(testNginx(context, source, candidateMain), candidateMain, true);
  return { exitCode, stdout: stderr, stderr: "" };
};
