/** What the programs of the testbed's images share as processes: their words, their version, and how they end. */

/** The tag of the image that this container runs: its builder, or whoever starts the container, says it. */
export function imageTag(): string {
  return process.env.PHOENIX_TESTBED_TAG ?? "latest";
}

export function say(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

/** The first process of a container ends by a signal only when it asks for it. */
export function untilTold(): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
}
