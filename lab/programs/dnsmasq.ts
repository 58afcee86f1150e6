/** dnsmasq as a program: `--test` and `--version` (2.90). */
import { checkConfiguration, readConfiguration } from "../dns/dnsmasq-config.ts";
import { done, type Program } from "../parts.ts";

export const dnsmasq: Program = ({ context, host, args, stdin }) => {
  if (args.includes("--version") || args.includes("-v")) {
    return done("Dnsmasq version 2.90  Copyright (c) 2000-2024 Simon Kelley\n");
  }
  if (!args.includes("--test"))
    return { exitCode: 1, stdout: "", stderr: "\ndnsmasq: the lab runs dnsmasq as a unit\n" };
  const files = args.flatMap((arg, at) => {
    if (arg === "-C" || arg === "--conf-file") return [args[at + 1] ?? ""];
    return arg.startsWith("--conf-file=") ? [arg.slice("--conf-file=".length)] : [];
  });
  const directories = args.flatMap((arg, at) => {
    if (arg === "-7" || arg === "--conf-dir") return [args[at + 1] ?? ""];
    return arg.startsWith("--conf-dir=") ? [arg.slice("--conf-dir=".length)] : [];
  });
  const read = readConfiguration(context, host, {
    files: files.length === 0 ? ["/etc/dnsmasq.conf"] : files,
    directories,
    stdin,
  });
  const problem = read.problem ?? checkConfiguration(read.options);
  if (problem === undefined) return done("", "dnsmasq: syntax check OK.\n");
  return { exitCode: problem.exitCode, stdout: "", stderr: `\ndnsmasq: ${problem.says}\n` };
};
