/** Asks the server what clients ask it: every name, what else it says about them, and a name that must not exist. */
import type { Check, Io } from "../../component.ts";
import { messageOf, TransportError } from "../../errors.ts";
import type { DnsAnswer } from "../../hosts/network.ts";
import type { ResourceId } from "../../resource.ts";
import { recordsOf } from "./compile.ts";

interface Question {
  readonly resource: ResourceId;
  readonly name: string;
  readonly type: "A" | "AAAA" | "PTR";
  readonly claim: string;
  readonly holds: (answer: DnsAnswer) => boolean;
}

/** Questions in flight at once; dnsmasq answers more than 50 000 a second on two cores (measured, 2.90). */
const parallel = 32;

/** A changed hosts file takes effect within half a second (inotify, measured on 2.90). */
const settleMs = 2_000;

export async function verify(io: Io): Promise<readonly Check[]> {
  if (!io.site.dns.enabled) return [];
  const questions = questionsOf(io);
  const deadline = io.clock.now() + settleMs;
  let checks = await ask(io, questions);
  while (checks.some(({ status }) => status === "fail") && io.clock.now() < deadline) {
    await io.clock.sleep(100);
    checks = await ask(io, questions);
  }
  return checks;
}

function questionsOf(io: Io): readonly Question[] {
  const { exact, wildcards } = recordsOf(io.site);
  const addresses = new Map<string, string[]>();
  for (const { name, address } of exact) addresses.set(name, [...(addresses.get(name) ?? []), address]);
  const names = new Map<string, string>();
  for (const { name, address } of exact) if (!names.has(address)) names.set(address, name);

  return [
    ...[...addresses].flatMap(([name, expected]) => [
      positive("dns/records", name, expected),
      empty("dns/records", name),
    ]),
    ...[...names].map(([address, name]) => pointer(address, name)),
    ...wildcards.map(({ name, address }) =>
      positive("dns/wildcards", name.replace("*", "phoenix-probe"), [address]),
    ),
    {
      resource: "dns/configuration" as const,
      name: `phoenix-probe-no-such-name.${io.site.domain}`,
      type: "A" as const,
      claim: `an undeclared name in ${io.site.domain} does not exist`,
      holds: ({ rcode }: DnsAnswer) => rcode === "NXDOMAIN",
    },
  ];
}

function positive(resource: ResourceId, name: string, addresses: readonly string[]): Question {
  const expected = [...addresses].sort().join(" ");
  return {
    resource,
    name,
    type: "A",
    claim: `${name} answers ${expected}`,
    holds: ({ rcode, answers }) => rcode === "NOERROR" && [...answers].sort().join(" ") === expected,
  };
}

/** No IPv6 address must read as "none", not as "no such name": musl-based clients give up at the latter. */
function empty(resource: ResourceId, name: string): Question {
  return {
    resource,
    name,
    type: "AAAA",
    claim: `${name} exists without an IPv6 address`,
    holds: ({ rcode, answers }) => rcode === "NOERROR" && answers.length === 0,
  };
}

function pointer(address: string, name: string): Question {
  return {
    resource: "dns/records",
    name: `${address.split(".").reverse().join(".")}.in-addr.arpa`,
    type: "PTR",
    claim: `${address} is called ${name}`,
    holds: ({ answers }) => answers.includes(name),
  };
}

async function ask(io: Io, questions: readonly Question[]): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const server = io.site.hypervisor.address;
  for (let at = 0; at < questions.length; at += parallel) {
    checks.push(
      ...(await Promise.all(
        questions.slice(at, at + parallel).map((question) => askOne(io, server, question)),
      )),
    );
    // A server that does not answer one question will not answer the next thousand.
    if (checks.length > 0 && checks.every(({ observed }) => observed?.startsWith("no answer") === true))
      break;
  }
  return checks;
}

async function askOne(io: Io, server: string, question: Question): Promise<Check> {
  const { resource, claim } = question;
  try {
    const answer = await io.network.query(server, question.name, question.type);
    if (question.holds(answer)) return { resource, claim, status: "pass" };
    const seen = answer.answers.length === 0 ? answer.rcode : answer.answers.join(" ");
    return { resource, claim, status: "fail", observed: `${server} says ${seen}` };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const hint = "`systemctl status dnsmasq` and `journalctl -u dnsmasq` on the hypervisor say why";
    return {
      resource,
      claim,
      status: "fail",
      observed: `no answer from ${server}: ${messageOf(error)}`,
      hint,
    };
  }
}
