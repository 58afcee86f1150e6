/** Running commands in a virtual machine, through its guest agent and `qm guest exec` on the node that has it. */
import type { Clock } from "../component.ts";
import { TransportError } from "../errors.ts";
import { poll } from "../poll.ts";
import { programOf } from "./command-error.ts";
import { timedOut } from "./command-limits.ts";
import { NotOnNodeError, refuseNonAscii } from "./guest-errors.ts";
import { type Command, type CommandResult, defaultTimeoutMs, type Exec } from "./host.ts";
import { type QmAnswer, qmAnswer } from "./qm-answer.ts";

/** The most that `qm guest exec --pass-stdin` takes, in bytes (qemu-server 9.2). */
const inputLimit = 1024 * 1024;

/** The longest that one `qm` call waits for the command, in seconds; after that it is polled. */
const longestWait = 60;

/** How much longer than the command `qm` may take: Perl's start, the agent's ping (3 s) and reply (5 s). Milliseconds. */
const slackMs = 15_000;

/** Between two looks at a command that still runs, in milliseconds; `qm` itself looks once a second. */
const pollMs = 1_000;

/**
 * An `Exec` in virtual machine `id`. The agent cannot end a command: when the time is up, it is killed by its pid in the
 * guest, and its children may stay.
 */
export function qmExec(parent: Exec, id: number, clock: Clock): Exec {
  return (command) => new GuestCommand(parent, id, clock, command).run();
}

class GuestCommand {
  readonly #parent: Exec;
  readonly #id: number;
  readonly #clock: Clock;
  readonly #command: Command;
  readonly #program: string;

  constructor(parent: Exec, id: number, clock: Clock, command: Command) {
    this.#parent = parent;
    this.#id = id;
    this.#clock = clock;
    this.#command = command;
    this.#program = programOf(command.argv);
  }

  async run(): Promise<CommandResult> {
    const { argv, stdin, timeoutMs = defaultTimeoutMs } = this.#command;
    refuseNonAscii("vm", this.#id, argv);
    this.#refuseLongInput();
    const deadline = this.#clock.now() + timeoutMs;
    const wait = Math.min(Math.max(Math.floor(timeoutMs / 1000), 1), longestWait);
    const answer = await this.#qm(
      [
        "exec",
        String(this.#id),
        "--timeout",
        String(wait),
        ...(stdin === undefined ? [] : ["--pass-stdin", "1"]),
      ],
      wait * 1000,
      this.#command,
    );
    if (answer.kind === "ended") return answer.result;
    // qm returns the pid of every command that it does not wait for.
    if (answer.pid === undefined) throw this.#error("still runs, but qm did not return its pid");
    return this.#await(answer.pid, deadline);
  }

  async #await(pid: number, deadline: number): Promise<CommandResult> {
    const answer = await poll(
      { clock: this.#clock, forMs: deadline - this.#clock.now(), pauseMs: pollMs },
      () => this.#look(pid, deadline),
      ({ kind }) => kind === "ended",
    );
    if (answer.kind === "ended") return answer.result;
    await this.#kill(pid);
    throw timedOut(`vm/${this.#id}`, this.#program, this.#command);
  }

  /** One look. The agent answered a moment ago: while there is time, a busy agent is no failure. */
  async #look(pid: number, deadline: number): Promise<QmAnswer> {
    try {
      return await this.#qm(["exec-status", String(this.#id), String(pid)], 0);
    } catch (error) {
      const lasting = !(error instanceof TransportError) || error instanceof NotOnNodeError;
      if (lasting || !/does not answer|did not answer in time|frozen/.test(error.message)) throw error;
      if (this.#clock.now() >= deadline) throw error;
      return { kind: "running", pid };
    }
  }

  async #kill(pid: number): Promise<void> {
    await this.#parent({
      argv: ["qm", "guest", "exec", String(this.#id), "--timeout", "2", "--", "kill", "-KILL", String(pid)],
      effect: "change",
      timeoutMs: slackMs,
    }).catch(() => {});
  }

  async #qm(args: readonly string[], waitMs: number, command?: Command): Promise<QmAnswer> {
    const result = await this.#parent({
      argv: ["qm", "guest", ...args, ...(command === undefined ? [] : ["--", ...command.argv])],
      effect: this.#command.effect,
      timeoutMs: waitMs + slackMs,
      ...(command?.stdin === undefined ? {} : { stdin: command.stdin }),
    });
    return qmAnswer(this.#id, this.#program, result);
  }

  #refuseLongInput(): void {
    const bytes = Buffer.byteLength(this.#command.stdin ?? "");
    if (bytes <= inputLimit) return;
    const mebibytes = (bytes / 1024 / 1024).toFixed(1);
    throw new TransportError(
      `vm/${this.#id}`,
      `${this.#program} on vm/${this.#id} would get ${mebibytes} MiB of input; the guest agent takes 1 MiB`,
      { hint: "files of up to 768 KiB fit; put a larger one on a share" },
    );
  }

  #error(what: string): TransportError {
    const target = `vm/${this.#id}`;
    return new TransportError(target, `${this.#program} on ${target} ${what}`);
  }
}
