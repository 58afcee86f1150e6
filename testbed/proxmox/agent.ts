/** Speaking to the real guest agent of a virtual machine, qemu-ga, at its socket inside the guest. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Refusal } from "./command-line.ts";
import type { Guest } from "./guests.ts";

/** Where the guest's agent listens; there is no virtual serial port in the testbed. */
const socketPath = "/run/qemu-ga.socket";

/** How long qm waits for one answer, in milliseconds: 3 s for a ping, 5 s for others (QMPClient.pm). */
const pingMs = 3000;
const answerMs = 5000;

/** What the agent answers. @throws Refusal with the texts of qemu-server 9.2 */
export async function askAgent(guest: Guest, command: string, values?: unknown): Promise<unknown> {
  await exchange(guest, "guest-ping", undefined, pingMs).catch((error: unknown) => {
    throw error instanceof Refusal && error.message.startsWith("Agent error")
      ? error
      : new Refusal("QEMU guest agent is not running");
  });
  return command === "guest-ping" ? undefined : exchange(guest, command, values, answerMs);
}

/** Whether it can be asked at all. @throws Refusal */
export function needAgent({ id, config, leader }: Guest): void {
  if (!/(?:^|,)(?:1|enabled=1)(?:,|$)/.test(config.get("agent") ?? ""))
    throw new Refusal("No QEMU guest agent configured");
  if (leader === undefined) throw new Refusal(`VM ${id} is not running`);
}

/** The agent hears one at a time: who comes meanwhile asks again every 100 ms, within its time (open_connection of QMPClient.pm). */
const againMs = 100;

async function connected(path: string, limitMs: number): Promise<Socket> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      const isBusy = (error as NodeJS.ErrnoException).code === "EAGAIN";
      if (!isBusy || Date.now() >= deadline) throw error;
      await delay(againMs);
    }
  }
}

async function exchange(
  { id, leader }: Guest,
  execute: string,
  values: unknown,
  limitMs: number,
): Promise<unknown> {
  const failed = (why: string): Refusal => new Refusal(`VM ${id} qga command '${execute}' failed - ${why}`);
  const connection = await connected(`/proc/${leader}/root${socketPath}`, limitMs).catch((error: unknown) => {
    throw failed((error as Error).message);
  });
  return new Promise((resolve, reject) => {
    let text = "";
    connection.setTimeout(limitMs, () => {
      connection.destroy();
      reject(failed("got timeout"));
    });
    connection.on("error", (error) => reject(failed(error.message)));
    connection.on("data", (data) => {
      text += data.toString("utf8");
      if (!text.endsWith("\n")) return;
      connection.destroy();
      const { return: value, error } = JSON.parse(text);
      if (error === undefined) resolve(value);
      else reject(new Refusal(`Agent error: ${error.desc}`));
    });
    connection.on("end", () => reject(failed("got no answer")));
    const request = { execute, ...(values === undefined ? {} : { arguments: values }) };
    connection.write(`${JSON.stringify(request)}\n`);
  });
}
