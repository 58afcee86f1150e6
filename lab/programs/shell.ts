/**
 * `sh -c TEXT` of people's own commands, taken loosely: the simple commands that the text holds run in order. Loops that wait
 * for something count as waited for. Only ";", "&&" and "||" between commands mean what they mean in a shell.
 */
import { splitWords } from "../../src/formats/shell/hook.ts";
import type { CommandResult } from "../../src/hosts/host.ts";
import { done, failed, type Program, type ProgramCall } from "../parts.ts";

interface Step {
  readonly words: readonly string[];
  /** What stands before it. */
  readonly after: ";" | "&&" | "||";
}

/** Words that concern the shell alone. */
const ofTheShell = ["set", "cd", "export", "trap", ":", "umask"];

export const shell: Program = async (call) => {
  const { context, host, args, stdin, effect } = call;
  const [path = "", ...parameters] = args;
  if (path.startsWith("/")) return scriptFile(call, path, parameters);
  const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  const text = args[at + 1];
  if (at < 0 || text === undefined) return failed(2, "sh: the lab runs `sh -c TEXT` and `sh FILE` only");
  let result = done();
  let stdout = "";
  let stderr = "";
  for (const { words, after } of stepsOf(text)) {
    if ((after === "&&" && result.exitCode !== 0) || (after === "||" && result.exitCode === 0)) continue;
    if (words[0] === "exit") {
      result = { ...done(), exitCode: Number(words[1] ?? result.exitCode) };
      break;
    }
    result = await context.run(host, { argv: words, stdin, effect });
    stdout += result.stdout;
    stderr += result.stderr;
  }
  return { exitCode: result.exitCode, stdout, stderr };
};

/** `sh FILE PARAMETERS…`: a script of ours, which names itself in its first line, or somebody's own. */
async function scriptFile(
  { context, host, stdin, effect }: ProgramCall,
  path: string,
  parameters: readonly string[],
): Promise<CommandResult> {
  const text = context.files.text(host, path);
  if (text === undefined) return failed(2, `sh: 0: cannot open ${path}: No such file`);
  return context.run(host, { argv: ["sh", "-c", text, "sh", ...parameters], stdin, effect });
}

/** The simple commands of a text. A loop that waits is over; `if A; then B; fi` is `A && B`, an `else` is left out. */
function stepsOf(text: string): readonly Step[] {
  const plain = text
    .replace(/\b(?:while|until)\b[\s\S]*?\bdone\b/g, "")
    .replace(/\bif\b([\s\S]*?)[;\n]\s*then\b([\s\S]*?)(?:[;\n]\s*else\b[\s\S]*?)?[;\n]\s*fi\b/g, "$1 && $2");
  const steps: Step[] = [];
  let after: Step["after"] = ";";
  for (const part of plain.split(/(&&|\|\||[;|\n&])/)) {
    if (part === "&&" || part === "||") {
      after = part;
      continue;
    }
    if (/^[;|\n&]$/.test(part)) {
      after = ";";
      continue;
    }
    const words = splitWords(part.replace(/\d?>+\s*(&\d|\S+)/g, "")).words.filter(
      (word) => !/^\w+=/.test(word),
    );
    const [program] = words;
    if (program !== undefined && !ofTheShell.includes(program)) steps.push({ words, after });
  }
  return steps;
}
