/** nginx-test of the nginx component: the candidate takes the place of the enabled gateway and of the distribution's site. */
import { type NginxSource, nginxSource } from "../nginx/config.ts";
import { mainFile, testNginx, testOutput } from "../nginx/load.ts";
import { failed, type Program } from "../parts.ts";

const enabled = "/etc/nginx/sites-enabled";
const sites = "/tmp/tmp.phoenixLab";
const candidateMain = "/etc/nginx/.phoenix-test.phxlab";

export const nginxTest: Program = ({ context, host, stdin }) => {
  const real = nginxSource(context, host);
  const main = real.text(mainFile) ?? "";
  if (!main.includes(`${enabled}/`))
    return failed(83, "nginx.conf does not include /etc/nginx/sites-enabled/*");
  const others = real.list(enabled).filter((name) => name !== "gateway" && name !== "default");
  const overlay = new Map([
    ...others.map((name) => [`${sites}/${name}`, real.text(`${enabled}/${name}`) ?? ""] as const),
    [`${sites}/gateway`, stdin],
    [candidateMain, main.replace(/\/etc\/nginx\/sites-enabled\/[^;]*;/g, `${sites}/*;`)],
  ]);
  const source: NginxSource = {
    text: (path) => overlay.get(path) ?? real.text(path),
    list: (directory) => (directory === sites ? [...others, "gateway"].sort() : real.list(directory)),
  };
  const { exitCode, stderr } = testOutput(testNginx(context, source, candidateMain), candidateMain, true);
  return { exitCode, stdout: stderr, stderr: "" };
};
