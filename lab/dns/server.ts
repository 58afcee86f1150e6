/** The lab's name server: dnsmasq on the hypervisor, over UDP and TCP, on loopback. */
import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import type { Answer, DecodedPacket } from "dns-packet";
import dnsPacket from "dns-packet";
import type { HostName } from "../../src/resource.ts";
import type { LabServer } from "../context.ts";
import { closedSockets, listening } from "../listen.ts";
import type { Lab } from "../parts.ts";
import { type DnsmasqOption, isPassedOver, loadedDnsmasq } from "./dnsmasq-config.ts";
import { type DnsReply, DnsZone } from "./zone.ts";

/** dnsmasq's own numbers of the codes that it answers with. */
const codes: Readonly<Record<DnsReply["rcode"], number>> = { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5 };

/** The largest answer over UDP to a client that does not say more (RFC 1035, 4.2.1). Bytes. */
const udpLimit = 512;

/** What the server that runs now answers: its options as loaded, its hosts files as they are. */
export function answerFrom(lab: Lab, host: HostName, name: string, type: string): DnsReply {
  const options = loadedDnsmasq(lab, host);
  const hasResolvConf = lab.files.status(host, "/etc/resolv.conf") !== undefined;
  return zoneOf(lab, host, options, hasResolvConf).answer(name, type);
}

interface LoadedZone {
  readonly options: readonly DnsmasqOption[];
  readonly texts: readonly string[];
  readonly hasResolvConf: boolean;
  readonly zone: DnsZone;
}

/** The zone of each host, while what it comes from is the same: a proof asks for every record. */
const zones = new WeakMap<Lab["files"], Map<HostName, LoadedZone>>();

function zoneOf(
  lab: Lab,
  host: HostName,
  options: readonly DnsmasqOption[],
  hasResolvConf: boolean,
): DnsZone {
  const hosts = zones.get(lab.files) ?? new Map<HostName, LoadedZone>();
  zones.set(lab.files, hosts);
  const texts = hostsFiles(lab, host, options);
  const known = hosts.get(host);
  const isSame =
    known?.options === options &&
    known.hasResolvConf === hasResolvConf &&
    known.texts.length === texts.length &&
    known.texts.every((text, at) => text === texts[at]);
  if (isSame) return known.zone;
  const zone = new DnsZone(options, texts, hasResolvConf);
  hosts.set(host, { options, texts, hasResolvConf, zone });
  return zone;
}

function hostsFiles({ files }: Lab, host: HostName, options: readonly DnsmasqOption[]): readonly string[] {
  const values = (name: string): readonly string[] =>
    options.filter((option) => option.name === name).map(({ value }) => value);
  const inDirectories = values("hostsdir").flatMap((directory) =>
    files.status(host, directory)?.kind === "directory"
      ? files
          .list(host, directory)
          .filter((name) => !isPassedOver(name))
          .map((name) => `${directory}/${name}`)
      : [],
  );
  const system = values("no-hosts").length > 0 ? [] : ["/etc/hosts"];
  return [...system, ...values("addn-hosts"), ...inDirectories].flatMap((path) =>
    files.status(host, path)?.kind === "file" ? [files.text(host, path) ?? ""] : [],
  );
}

function respond(lab: Lab, host: HostName, query: DecodedPacket): Buffer {
  const [question] = query.questions ?? [];
  const { rcode, answers, ttl } =
    question === undefined
      ? { rcode: "REFUSED" as const, answers: [], ttl: 0 }
      : answerFrom(lab, host, question.name, question.type);
  const authoritative = answers.length > 0 ? dnsPacket.AUTHORITATIVE_ANSWER : 0;
  return dnsPacket.encode({
    type: "response",
    id: query.id ?? 0,
    flags: codes[rcode] | authoritative | dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE,
    questions: query.questions ?? [],
    answers: answers.map(({ name, type, data }) => ({ name, type, ttl, data }) as Answer),
  });
}

export async function startUdpDns(lab: Lab, host: HostName): Promise<LabServer> {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, from) => {
    const query = decoded(bytes);
    if (query === undefined) return;
    const answer = respond(lab, host, query);
    const fits = answer.length <= udpLimit ? answer : truncated(query);
    socket.send(fits, from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, "127.0.0.1", () => resolve());
  });
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

export async function startTcpDns(lab: Lab, host: HostName): Promise<LabServer> {
  const server = createServer((socket) => serve(lab, host, socket));
  return listening(server, closedSockets(server));
}

function serve(lab: Lab, host: HostName, socket: Socket): void {
  let received = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0);
      const query = decoded(received.subarray(2, 2 + length));
      received = received.subarray(2 + length);
      if (query === undefined) return socket.destroy();
      const answer = respond(lab, host, query);
      const size = Buffer.alloc(2);
      size.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([size, answer]));
    }
    return undefined;
  });
}

function truncated(query: DecodedPacket): Buffer {
  return dnsPacket.encode({
    type: "response",
    id: query.id ?? 0,
    flags: dnsPacket.TRUNCATED_RESPONSE | dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE,
    questions: query.questions ?? [],
  });
}

function decoded(bytes: Buffer): DecodedPacket | undefined {
  try {
    const packet = dnsPacket.decode(bytes);
    return packet.type === "query" ? packet : undefined;
  } catch {
    return undefined;
  }
}
