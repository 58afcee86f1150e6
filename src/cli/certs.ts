/** `phoenix certs`: the certificates of the site, and their renewal. */
import { option } from "../option-names.ts";
import type { CommandDefinition } from "./command.ts";

const show: CommandDefinition = {
  name: "certs",
  summary: "show each certificate: its names, days left, and what is served",
  description: [
    "Reads the pairs on the hypervisor and makes a TLS handshake with whoever serves each: the one that clients get is",
    "compared with the one on disk. The CA's root and intermediate are listed too.",
  ],
  uses: ["full", "output", "jsonInto", "timeout"],
  examples: [
    ["phoenix certs", "all of them, problems first"],
    ["phoenix certs --full", "with every name in them"],
  ],
  exits: [
    ["converged", "all are valid, and the ones on disk are served"],
    ["error", "the site has errors, or something could not be read"],
    ["pending", "a renewal is due, or a certificate is not as declared"],
    ["unverified", "another certificate is served, none, or one that has expired"],
    "usage",
    "interrupted",
  ],
  run: async (call) => (await import("./certs-run.ts")).runCerts(call),
};

const renew: CommandDefinition = {
  name: "certs renew",
  arguments: "[name...]",
  summary: "renew certificates now, with the checks and the rollback of a sync",
  description: [
    "The pair is replaced, its post-renewal command runs, and the served certificate is compared with the new one; what",
    `fails is rolled back. ${option.due} renews those that a sync would renew, and says nothing when there is none.`,
  ],
  options: [{ flags: option.due, description: "those whose renewal is due, instead of names" }],
  uses: ["lockWait", "quiet", "output", "jsonInto", "timeout"],
  examples: [
    ["phoenix certs renew gateway.example.net", "this one, although it is still valid"],
    ["phoenix certs renew --due --quiet", "what phoenix-certs.timer does every hour"],
  ],
  exits: [
    ...(["converged", "error", "unverified", "partial", "refused"] as const),
    ...(["locked", "rolledBack", "usage", "interrupted"] as const),
  ],
  run: async (call) => (await import("./certs-run.ts")).runRenew(call),
};

export const certsCommands: readonly CommandDefinition[] = [show, renew];
