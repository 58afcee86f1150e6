/** Programs that tell who and when, and those that hand over to another one. */
import { setTimeout as delay } from "node:timers/promises";
import type { HostName } from "../../src/resource.ts";
import { nodeOf } from "../cluster.ts";
import { guestBy } from "../facts.ts";
import { isNode } from "../nodes.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";

export const basics: Readonly<Record<string, Program>> = {
  true: () => done(),
  false: () => failed(1, ""),
  echo: ({ args }) => done(`${args.join(" ")}\n`),
  id: ({ args }) => done(args[0] === "-u" ? "0\n" : "uid=0(root) gid=0(root) groups=0(root)\n"),
  whoami: () => done("root\n"),

  hostname: ({ context, host, args }) => {
    if (args.includes("-I") || args.includes("--all-ip-addresses"))
      return done(`${addressOf(context, host)} \n`);
    const full = args.some((arg) => arg === "-f" || arg === "--fqdn");
    return done(
      `${full ? `${machineName(context, host)}.${context.facts.domain}` : machineName(context, host)}\n`,
    );
  },

  uname: ({ context, host, args }) => {
    if (args.includes("-n")) return done(`${machineName(context, host)}\n`);
    if (args.includes("-m")) return done("x86_64\n");
    if (args.includes("-r")) return done("6.14.8-2-pve\n");
    return done(
      args.includes("-a") ? `Linux ${machineName(context, host)} 6.14.8-2-pve x86_64 GNU/Linux\n` : "Linux\n",
    );
  },

  date: ({ context, args }) => {
    const now = context.clock.now();
    const format = args.find((arg) => arg.startsWith("+"));
    if (format === "+%s") return done(`${Math.floor(now / 1000)}\n`);
    if (format === "+%s%N") return done(`${now}000000\n`);
    return done(`${new Date(now).toISOString()}\n`);
  },

  sleep: async ({ context, args }) => {
    const seconds = args.reduce((sum, arg) => sum + secondsOf(arg), 0);
    if (Number.isNaN(seconds)) return failed(1, `sleep: invalid time interval ‘${args.join(" ")}’`);
    await delay(seconds * 1000, undefined, { signal: context.signal });
    return done();
  },

  env: ({ context, host, args, stdin, effect }) => {
    const argv = args.slice(countWhile(args, (arg) => arg.startsWith("-") || /^\w+=/.test(arg)));
    return argv.length === 0 ? done() : context.run(host, { argv, stdin, effect });
  },

  timeout: ({ context, host, args, stdin, effect }) => {
    const options = countWhile(args, (arg) => arg.startsWith("-"));
    return context.run(host, { argv: args.slice(options + 1), stdin, effect });
  },

  kill: () => done(),
  pkill: ({ context, host, args, effect }) => {
    const unit = args.at(-1) ?? "";
    return args.includes("-HUP")
      ? context.run(host, { argv: ["systemctl", "kill", "--signal=HUP", unit], effect })
      : done();
  },
};

/** The name a host gives itself: the node's, or its guest's in lower case. */
export function machineName(lab: Lab, host: HostName): string {
  if (isNode(host)) return nodeOf(lab, host).name;
  return guestBy(lab.facts, host)?.name.toLowerCase() ?? host;
}

export function addressOf(lab: Lab, host: HostName): string {
  if (isNode(host)) return nodeOf(lab, host).address;
  return guestBy(lab.facts, host)?.address ?? "";
}

function secondsOf(text: string): number {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
  const factors: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86400 };
  return number === "" ? Number.NaN : Number(number) * (factors[unit] ?? 1);
}

function countWhile(args: readonly string[], holds: (arg: string) => boolean): number {
  const end = args.findIndex((arg) => !holds(arg));
  return end < 0 ? args.length : end;
}
