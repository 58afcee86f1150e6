/** Asks the server what clients ask it: every name, its other record types, and a name that must not exist. */
import pLimit from "p-limit";
import { type Check, failed, type Io, passed } from "../../component.ts";
import { messageOf, TransportError } from "../../errors.ts";
import { dnsNodes, idOn, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { recordsOf } from "../../fabric/records.ts";
import type { DnsAnswer } from "../../hosts/network.ts";
import { poll } from "../../poll.ts";
import type { ResourceId } from "../../resource.ts";
import { askNodes } from "../nodes.ts";
import { compile } from "./compile.ts";

interface Question {
  readonly resource: ResourceId;
  readonly name: string;
  readonly type: "A" | "AAAA" | "PTR";
  readonly claim: string;
  /** As `shown` prints an answer. */
  readonly expected: string;
}

/** Questions in flight at once, of all nodes together; dnsmasq answers more than 50 000 a second on two cores (measured, 2.90). */
const parallel = 32;

/** A changed hosts file takes effect within half a second (inotify, measured on 2.90). */
const settleMs = 2_000;

const silent = "no answer";

type Limit = ReturnType<typeof pLimit>;

export async function verify(io: Io): Promise<readonly Check[]> {
  const nodes = dnsNodes(io.site);
  const desired = compile(io.site);
  const idsOf = ({ host }: SiteNode): readonly ResourceId[] =>
    desired.filter((each) => each.host === host).map(({ id }) => id);
  const limit = pLimit(parallel);
  const found = await askNodes(io, nodes, idsOf, (node) => verifyNode(node, io, limit));
  return found.flat();
}

/** What the name server of a node answers. Every node answers the same. */
async function verifyNode(node: SiteNode, io: Io, limit: Limit): Promise<readonly Check[]> {
  const questions = questionsOf(io, node);
  return poll(
    { clock: io.clock, forMs: settleMs, pauseMs: 100 },
    () => ask(io, node, questions, limit),
    (checks) => checks.every(({ status }) => status === "pass"),
  );
}

function questionsOf(io: Io, node: SiteNode): readonly Question[] {
  const { exact, wildcards } = recordsOf(io.site);
  const addresses = new Map<string, string[]>();
  for (const { name, address } of exact) addresses.set(name, [...(addresses.get(name) ?? []), address]);
  const names = new Map<string, string>();
  for (const { name, address } of exact) if (!names.has(address)) names.set(address, name);

  const questions: readonly Question[] = [
    ...[...addresses].flatMap(([name, expected]) => [
      addressQuestion("dns/records", name, expected),
      ipv6Question("dns/records", name),
    ]),
    ...[...names].map(([address, name]) => pointerQuestion(address, name)),
    ...wildcards.map(({ name, address }) =>
      addressQuestion("dns/wildcards", name.replace("*", "phoenix-probe"), [address]),
    ),
    {
      resource: "dns/configuration",
      name: `phoenix-probe-no-such-name.${io.site.domain}`,
      type: "A",
      claim: `an undeclared name in ${io.site.domain} does not exist`,
      expected: "NXDOMAIN",
    },
  ];
  if (node.host === "pve") return questions;
  return questions.map((question) => ({
    ...question,
    resource: idOn(node, question.resource),
    claim: `${question.claim}, asked of ${nodeTitle(node)}`,
  }));
}

function addressQuestion(resource: ResourceId, name: string, addresses: readonly string[]): Question {
  const expected = [...addresses].sort().join(", ");
  return { resource, name, type: "A", claim: `"${name}" resolves to ${expected}`, expected };
}

/** A missing IPv6 address must be NODATA, not NXDOMAIN: musl-based clients give up at the latter. */
function ipv6Question(resource: ResourceId, name: string): Question {
  const claim = `"${name}" exists without an IPv6 address`;
  return { resource, name, type: "AAAA", claim, expected: "NODATA" };
}

function pointerQuestion(address: string, name: string): Question {
  const reverse = `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const claim = `${address} resolves to "${name}"`;
  return { resource: "dns/records", name: reverse, type: "PTR", claim, expected: name };
}

async function ask(
  io: Io,
  node: SiteNode,
  questions: readonly Question[],
  limit: Limit,
): Promise<readonly Check[]> {
  const askAll = (some: readonly Question[]): Promise<Check[]> =>
    limit.map(some, (question) => askOne(io, node, question));
  const first = await askAll(questions.slice(0, parallel));
  // A server that answers none of these will not answer the next thousand.
  if (first.every(({ observed }) => observed?.startsWith(silent) === true)) return first;
  return [...first, ...(await askAll(questions.slice(parallel)))];
}

async function askOne(io: Io, node: SiteNode, question: Question): Promise<Check> {
  const { resource, name, type, claim, expected } = question;
  const server = node.address;
  try {
    const answer = await io.network.query(server, name, type);
    const holds = shown(answer) === expected || (type === "PTR" && answer.answers.includes(expected));
    return holds
      ? passed(resource, claim)
      : failed(resource, claim, `expected ${expected}, got ${shown(answer)} from ${server}`);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const hint = `\`systemctl status dnsmasq\` and \`journalctl -u dnsmasq\` on ${nodeTitle(node)} say why`;
    return failed(resource, claim, `${silent} from ${server}: ${messageOf(error)}`, hint);
  }
}

/** The answers in their order, or why there are none. */
function shown({ rcode, answers }: DnsAnswer): string {
  if (rcode !== "NOERROR") return rcode;
  return answers.length === 0 ? "NODATA" : answers.join(", ");
}
