/** resolve of src/trace/resolve.ts: the C library's answer for a name, from the hosts file and then the resolvers of the host it runs on. */

import { TransportError } from "../../src/errors.ts";
import { askDns } from "../../src/hosts/dns-query.ts";
import { done, type Program } from "../parts.ts";

/** As long as the script waits. */
const resolveMs = 2_000;

export const resolve: Program = async ({ context, host, args: [name = ""] }) => {
  const read = (path: string): readonly string[] => (context.files.text(host, path) ?? "").split("\n");
  const resolvers = read("/etc/resolv.conf").flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  const lines = resolvers.map((address) => `resolver ${address}`);
  const own = read("/etc/hosts").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return names.includes(name) && !address.includes(":") ? [address] : [];
  });
  const answers = own.length > 0 ? own : await ask(resolvers.length > 0 ? resolvers : ["127.0.0.1"]);
  const end =
    answers === undefined
      ? ["silent"]
      : answers.length === 0
        ? ["none"]
        : answers.map((each) => `answer ${each}`);
  return done([...lines, ...end].map((line) => `${line}\n`).join(""));

  /** The first resolver that answers counts; undefined when none does. */
  async function ask(servers: readonly string[]): Promise<readonly string[] | undefined> {
    for (const address of servers) {
      try {
        const to = await context.route(host, { protocol: "udp", address, port: 53 });
        return (await askDns(to, { name, type: "A" }, resolveMs)).answers;
      } catch (error) {
        if (
          !(error instanceof TransportError) &&
          !(error instanceof Error && /no answer|nothing listens|REFUSED/.test(error.message))
        )
          throw error;
      }
    }
    return undefined;
  }
};
