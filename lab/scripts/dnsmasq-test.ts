/** dnsmasq-test of the dns component: everything that dnsmasq loads, with the candidate in place of some files. */
import { checkConfiguration, installedDnsmasq, readConfiguration } from "../dns/dnsmasq-config.ts";
import { done, type Program } from "../parts.ts";

export const dnsmasqTest: Program = ({ context, host, args, stdin }) => {
  const read = readConfiguration(context, host, {
    ...installedDnsmasq,
    files: [...installedDnsmasq.files, "-"],
    passedOver: args,
    stdin,
  });
  const problem = read.problem ?? checkConfiguration(read.options);
  if (problem === undefined) return done("", "dnsmasq: syntax check OK.\n");
  return { exitCode: problem.exitCode, stdout: "", stderr: `\ndnsmasq: ${problem.says}\n` };
};
