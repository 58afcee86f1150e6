/** One DNS question to one server. */
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import type { DecodedPacket, Packet } from "dns-packet";
import dnsPacket from "dns-packet";
import { deadline } from "./deadline.ts";
import type { DnsAnswer, Endpoint } from "./network.ts";

export interface Question {
  readonly name: string;
  readonly type: "A" | "AAAA" | "PTR";
}

/**
 * Asks the server at `to` by its protocol, and once more over TCP when the answer does not fit into a UDP packet.
 * @throws Error with the reason, also when no answer comes within `timeoutMs`
 */
export async function askDns(to: Endpoint, question: Question, timeoutMs: number): Promise<DnsAnswer> {
  const packet: Packet = {
    type: "query",
    id: Math.floor(Math.random() * 0x10000),
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ ...question, class: "IN" }],
  };
  const short = to.protocol === "udp" ? await overUdp(to, packet, timeoutMs) : undefined;
  const reply = short !== undefined && !short.flag_tc ? short : await overTcp(to, packet, timeoutMs);
  const answers = (reply.answers ?? []).flatMap((answer) =>
    answer.type === question.type && typeof answer.data === "string" ? [answer.data.replace(/\.$/, "")] : [],
  );
  return { rcode: reply.rcode, answers: reply.rcode === "NOERROR" ? answers.sort() : [] };
}

type Reply = DecodedPacket & { readonly rcode: string };

/** Whether bytes are the reply to our question; anything else that arrives at our port is ignored. */
function replyTo(asked: Packet, bytes: Buffer): Reply | undefined {
  let packet: DecodedPacket;
  try {
    packet = dnsPacket.decode(bytes);
  } catch {
    return undefined;
  }
  if (packet.type !== "response" || packet.id !== asked.id) return undefined;
  // dns-packet sets `rcode`; its types do not say so (@types/dns-packet 5.6.5).
  return packet as Reply;
}

function overUdp(to: Endpoint, packet: Packet, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const end = (error: Error | undefined, reply?: Reply): void => {
      answered();
      socket.close();
      if (reply !== undefined) resolve(reply);
      else reject(error);
    };
    const answered = deadline(timeoutMs, () => end(new Error("no answer")));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      end(error.code === "ECONNREFUSED" ? new Error("nothing listens there") : error),
    );
    socket.on("message", (bytes) => {
      const reply = replyTo(packet, bytes);
      if (reply !== undefined) end(undefined, reply);
    });
    // A connected socket hears at once that nothing listens, and only the server's packets.
    socket.connect(to.port, to.address, () => socket.send(dnsPacket.encode(packet)));
  });
}

function overTcp(to: Endpoint, packet: Packet, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: to.address, port: to.port });
    let received = Buffer.alloc(0);
    const end = (error: Error | undefined, reply?: Reply): void => {
      answered();
      socket.destroy();
      if (reply !== undefined) resolve(reply);
      else reject(error);
    };
    const answered = deadline(timeoutMs, () => end(new Error("no answer")));
    socket.on("error", end);
    socket.on("close", () => end(new Error("no answer: the connection was closed")));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const reply = replyTo(packet, received.subarray(2));
      end(new Error("an answer to something else"), reply);
    });
    socket.write(dnsPacket.streamEncode(packet));
  });
}
