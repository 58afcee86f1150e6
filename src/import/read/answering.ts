/** Which guests can be asked: each that cannot is told once, whatever would have been read in it. */
import { isUnavailable, messageOf } from "../../errors.ts";
import type { FoundGuest, ReadIo } from "../found.ts";

/** The guests for the readers: one that does not answer counts as not running. */
export async function answering(io: ReadIo, guests: readonly FoundGuest[]): Promise<readonly FoundGuest[]> {
  return Promise.all(guests.map(async (guest) => ({ ...guest, isRunning: await answers(io, guest) })));
}

async function answers(io: ReadIo, { host, isRunning, isTemplate, source }: FoundGuest): Promise<boolean> {
  if (isTemplate) return false;
  const what = `what runs in ${host}, and its files`;
  if (!isRunning) {
    io.left({ source, what, reason: "the guest does not run: start it and import again" });
    return false;
  }
  try {
    await io.host(host).run({ argv: ["true"], effect: "read" });
    return true;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    io.left({ source, what, reason: messageOf(error) });
    return false;
  }
}
