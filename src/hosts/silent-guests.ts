/** Guests in which commands hang: the first one waits for its whole time, and the next ones learn within seconds that nothing answers. */
import { TransportError } from "../errors.ts";
import type { GuestName } from "../resource.ts";
import { TimedOutError } from "./command-limits.ts";
import type { Exec } from "./host.ts";

/** How long a guest has to run `true` once a command in it did not end. Milliseconds. */
const answerMs = 5_000;

/**
 * The same commands, but once one of them did not end, each next one first asks whether the guest still runs any: a guest that
 * hangs costs a run seconds per command instead of half a minute. It counts again as soon as it answers.
 * @throws TransportError when it does not answer: the command was not started
 */
export function askedFirst(name: GuestName, exec: Exec): Exec {
  let isSilent = false;
  let asking: Promise<void> | undefined;
  const ask = async (): Promise<void> => {
    try {
      await exec({ argv: ["true"], effect: "read", timeoutMs: answerMs });
      isSilent = false;
    } catch (error) {
      if (!(error instanceof TimedOutError)) throw error;
      throw new TransportError(
        name,
        `${name} does not answer: an earlier command did not end, and neither does \`true\``,
      );
    } finally {
      asking = undefined;
    }
  };
  return async (command) => {
    if (isSilent) {
      asking ??= ask();
      await asking;
    }
    try {
      return await exec(command);
    } catch (error) {
      isSilent ||= error instanceof TimedOutError;
      throw error;
    }
  };
}
