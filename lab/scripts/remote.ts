/** remote of src/hosts/ssh-command.ts: a command that came through ssh, ended where it runs. */
import { runOn } from "../exec.ts";
import { failed, type Program } from "../parts.ts";

export const remote: Program = async ({ context, host, args, stdin, effect }) => {
  const [seconds = "", ...argv] = args;
  const [program = ""] = argv;
  if (!context.has(host, argv))
    return failed(127, `timeout: failed to run command ‘${program}’: No such file or directory`);
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<ReturnType<typeof failed>>((resolve) => {
    timer = setTimeout(() => resolve(failed(124, "")), Number(seconds) * 1000);
  });
  try {
    const result = await Promise.race([runOn(context, host, { argv, stdin, effect }), ended]);
    if (result.exitCode !== 255) return result;
    return { ...result, stderr: `${result.stderr}phoenix: the command ended with 255\n` };
  } finally {
    clearTimeout(timer);
  }
};
