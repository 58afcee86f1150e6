/** An `Exec` that answers from recorded output, and keeps what it was asked. */
import type { Command, CommandResult, Exec } from "../../src/hosts/host.ts";

export interface Recorded {
  readonly exec: Exec;
  readonly asked: Command[];
}

export type Answer = Partial<CommandResult> | ((command: Command) => Partial<CommandResult>);

/** Answers in turn; the last answer stays. */
export function recorded(...answers: readonly Answer[]): Recorded {
  const asked: Command[] = [];
  const exec: Exec = async (command) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? {};
    asked.push(command);
    return {
      exitCode: 0,
      stdout: "",
      stderr: "",
      ...(typeof answer === "function" ? answer(command) : answer),
    };
  };
  return { exec, asked };
}

export const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
