/** The real network against loopback servers, with a certificate authority of its own. */
import "reflect-metadata";
import { createSocket } from "node:dgram";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { createServer as createTls } from "node:tls";
import * as x509 from "@peculiar/x509";
import dnsPacket, { type Packet } from "dns-packet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InterruptedError, TransportError } from "../../src/errors.ts";
import type { Endpoint, HttpRequest, Network } from "../../src/hosts/network.ts";
import { createNetwork } from "../../src/hosts/real-network.ts";
import { failure } from "./recorded.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const closers: (() => unknown)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

interface Pair {
  readonly cert: string;
  readonly key: string;
}

let root: string;
let good: Pair;
let expired: Pair;
let foreign: string;

beforeAll(async () => {
  x509.cryptoProvider.set(globalThis.crypto);
  const authority = async () => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=Test Root",
      keys,
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return { keys, cert };
  };
  const ca = await authority();
  const leaf = async (serialNumber: string, notAfter: Date): Promise<Pair> => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber,
      subject: "CN=chat.test",
      issuer: ca.cert.subject,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter,
      publicKey: keys.publicKey,
      signingKey: ca.keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: "chat.test" },
          { type: "ip", value: "127.0.0.1" },
        ]),
      ],
    });
    const key = x509.PemConverter.encode(
      await crypto.subtle.exportKey("pkcs8", keys.privateKey),
      "PRIVATE KEY",
    );
    return { cert: cert.toString("pem"), key };
  };
  root = ca.cert.toString("pem");
  foreign = (await authority()).cert.toString("pem");
  good = await leaf("0abc1234", new Date(Date.now() + 86_400_000));
  expired = await leaf("05", new Date(Date.now() - 1000));
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A network where every address leads to this loopback port. */
function leadingTo(port: number, protocol: Endpoint["protocol"] = "tcp"): Network & { asked: Endpoint[] } {
  const asked: Endpoint[] = [];
  const network = createNetwork({
    route: async (to) => {
      asked.push(to);
      return { protocol, address: "127.0.0.1", port };
    },
  });
  closers.push(network.close);
  return { ...network, asked };
}

const here = createNetwork();
const freePort = async (): Promise<number> => {
  const server = createTcp();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
};

describe("connect", () => {
  test("a port that listens, and one that does not", async () => {
    const port = await listening(createTcp((socket) => socket.destroy()));
    expect(await here.connect("127.0.0.1", port)).toEqual({ ok: true });
    expect(await here.connect("127.0.0.1", await freePort())).toEqual({ ok: false, reason: "refused" });
  });

  test("the route decides where it goes", async () => {
    const network = leadingTo(await listening(createTcp((socket) => socket.destroy())));
    expect(await network.connect("10.255.255.1", 9)).toEqual({ ok: true });
    expect(network.asked).toEqual([{ protocol: "tcp", address: "10.255.255.1", port: 9 }]);
  });
});

describe("handshake", () => {
  const serve = (pair: Pair) => listening(createTls(pair, (socket) => socket.end()));

  test("a trusted certificate with the right name", async () => {
    const result = await here.handshake("127.0.0.1", await serve(good), {
      servername: "chat.test",
      ca: root,
    });
    expect(result).toMatchObject({ ok: true, trusted: true, serial: "0ABC1234" });
    expect(result.ok && result.certificate.replaceAll("\n", "")).toBe(good.cert.replaceAll("\n", ""));
    expect(result.ok && result.reason).toBeUndefined();
  });

  test("an address is a name too, and is not sent as one", async () => {
    const port = await serve(good);
    expect(await here.handshake("127.0.0.1", port, { servername: "127.0.0.1", ca: root })).toMatchObject({
      trusted: true,
    });
    expect(await here.handshake("127.0.0.1", port, { servername: "10.0.0.9", ca: root })).toMatchObject({
      trusted: false,
      reason: "name does not match",
    });
  });

  test.each([
    ["another name", () => good, "wiki.test", () => root, "name does not match"],
    ["an expired one", () => expired, "chat.test", () => root, "CERT_HAS_EXPIRED"],
    ["another root", () => good, "chat.test", () => foreign, /UNABLE_TO|SIGNATURE/],
    ["no root at all", () => good, "chat.test", () => undefined, /UNABLE_TO/],
  ])("%s is not trusted, but reported", async (_, pair, servername, ca, reason) => {
    const trusted = ca();
    const result = await here.handshake("127.0.0.1", await serve(pair()), {
      servername,
      ...(trusted === undefined ? {} : { ca: trusted }),
    });
    expect(result).toMatchObject({ ok: true, trusted: false, reason: expect.stringMatching(reason) });
    expect(result.ok && result.serial).toMatch(/^[0-9A-F]+$/);
  });

  test("an unknown name that the server rejects", async () => {
    const server = createTls({
      ...good,
      SNICallback: (_, done) => done(new Error("unknown name")),
    }).on("tlsClientError", () => {});
    const result = await here.handshake("127.0.0.1", await listening(server), { servername: "no.test" });
    expect(result.ok).toBe(false);
  });

  test("nothing that listens, and nothing that speaks TLS", async () => {
    expect(await here.handshake("127.0.0.1", await freePort(), { servername: "chat.test" })).toEqual({
      ok: false,
      reason: "connection refused",
    });
    const plain = await listening(createTcp((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    expect(await here.handshake("127.0.0.1", plain, { servername: "chat.test" })).toMatchObject({
      ok: false,
    });
  });
});

describe("query", () => {
  type Reply = (question: Packet) => Packet | undefined;

  async function dnsServer(reply: Reply): Promise<{ port: number; asked: Packet[] }> {
    const asked: Packet[] = [];
    const socket = createSocket("udp4");
    socket.on("message", (bytes, from) => {
      const question = dnsPacket.decode(bytes);
      asked.push(question);
      const answer = reply(question);
      if (answer !== undefined) socket.send(dnsPacket.encode(answer), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    closers.push(() => socket.close());
    return { port: socket.address().port, asked };
  }

  const answering =
    (answers: Packet["answers"], rcode = 0): Reply =>
    ({ id, questions }) => ({
      type: "response",
      ...(id === undefined ? {} : { id }),
      flags: rcode,
      ...(questions === undefined ? {} : { questions }),
      ...(answers === undefined ? {} : { answers }),
    });
  const a = (data: string) => ({ type: "A" as const, name: "chat.test", data });

  test("addresses come sorted, and what was not asked for is left out", async () => {
    const cname = { type: "CNAME" as const, name: "chat.test", data: "x.test" };
    const { port, asked } = await dnsServer(answering([cname, a("10.0.0.9"), a("10.0.0.10")]));
    const network = leadingTo(port, "udp");
    expect(await network.query("10.0.0.13", "chat.test", "A")).toEqual({
      rcode: "NOERROR",
      answers: ["10.0.0.10", "10.0.0.9"],
    });
    expect(network.asked).toEqual([{ protocol: "udp", address: "10.0.0.13", port: 53 }]);
    expect(asked[0]?.questions).toMatchObject([{ name: "chat.test", type: "A", class: "IN" }]);
  });

  test("a name behind an address has no final dot", async () => {
    const ptr = { type: "PTR" as const, name: "9.0.0.10.in-addr.arpa", data: "chat.test." };
    const { port } = await dnsServer(answering([ptr]));
    const answer = await leadingTo(port, "udp").query("10.0.0.13", "9.0.0.10.in-addr.arpa", "PTR");
    expect(answer.answers).toEqual(["chat.test"]);
  });

  test("no data is no error; an unknown name, a refusal and a failure are said", async () => {
    for (const [rcode, word] of [
      [0, "NOERROR"],
      [3, "NXDOMAIN"],
      [5, "REFUSED"],
      [2, "SERVFAIL"],
    ] as const) {
      const { port } = await dnsServer(answering([], rcode));
      expect(await leadingTo(port, "udp").query("10.0.0.13", "x.test", "AAAA")).toEqual({
        rcode: word,
        answers: [],
      });
    }
  });

  test("a lost packet is asked again, once", async () => {
    let asked = 0;
    const { port } = await dnsServer((question) =>
      ++asked === 1 ? undefined : answering([a("10.0.0.9")])(question),
    );
    expect((await leadingTo(port, "udp").query("10.0.0.13", "chat.test", "A")).answers).toEqual(["10.0.0.9"]);
    expect(asked).toBe(2);
  });

  test("an answer to somebody else's question does not count", async () => {
    const { port } = await dnsServer((question) => ({
      ...answering([a("6.6.6.6")])(question),
      id: ((question.id ?? 0) + 1) % 0x10000,
    }));
    const error = await failure(leadingTo(port, "udp").query("10.0.0.13", "chat.test", "A"));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toBe("asking 10.0.0.13 for chat.test (A) failed: no answer");
  });

  test("nothing that listens is found out at once", async () => {
    const error = await failure(leadingTo(await freePort(), "udp").query("10.0.0.13", "chat.test", "A"));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toContain("nothing listens there");
  });

  const overTcp = (reply: Reply) =>
    listening(
      createTcp((socket) => {
        socket.on("data", (bytes) => {
          const answer = reply(dnsPacket.streamDecode(bytes));
          if (answer !== undefined) socket.write(dnsPacket.streamEncode(answer));
        });
      }),
    );

  test("behind a tunnel it goes over TCP", async () => {
    const port = await overTcp(answering([a("10.0.0.9")]));
    expect((await leadingTo(port, "tcp").query("10.0.0.13", "chat.test", "A")).answers).toEqual(["10.0.0.9"]);
  });
});

describe("request", () => {
  const serve = (listener: RequestListener) => listening(createHttp(listener));
  const request = (port: number, more: Partial<HttpRequest> = {}, network: Network = here) =>
    network.request({ method: "GET", url: `http://127.0.0.1:${port}/`, effect: "read", ...more });

  test("method, path, headers and body arrive; status, headers and text come back", async () => {
    const port = await serve((incoming, outgoing) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      incoming.on("end", () => {
        const { method, url, headers } = incoming;
        outgoing.writeHead(418, { "X-Seen": "yes", "set-cookie": ["a=1", "b=2"] });
        outgoing.end(
          JSON.stringify({ method, url, body, host: headers.host, type: headers["content-type"] }),
        );
      });
    });
    const url = `http://127.0.0.1:${port}/a/b?c=d`;
    const response = await here.request({
      ...{ method: "POST", url, headers: { "Content-Type": "text/plain" }, body: "Grüße", effect: "change" },
      hostname: "chat.test",
    });
    expect(response.status).toBe(418);
    expect(response.headers).toMatchObject({ "x-seen": "yes", "set-cookie": "a=1, b=2" });
    expect(JSON.parse(response.text)).toEqual({
      ...{ method: "POST", url: "/a/b?c=d", body: "Grüße", host: `chat.test:${port}`, type: "text/plain" },
    });
  });

  test("redirects are not followed", async () => {
    const port = await serve((_, outgoing) => outgoing.writeHead(301, { location: "/elsewhere" }).end());
    expect(await request(port)).toMatchObject({ status: 301, headers: { location: "/elsewhere" } });
  });

  test("each request has a connection of its own", async () => {
    const ports = new Set<number | undefined>();
    const port = await serve((incoming, outgoing) => {
      ports.add(incoming.socket.remotePort);
      outgoing.end();
    });
    await request(port);
    await request(port);
    expect(ports.size).toBe(2);
  });

  describe("over TLS", () => {
    const secure = (pair: Pair) =>
      listening(createHttps(pair, (incoming, outgoing) => outgoing.end(incoming.headers.host)));
    const get = (port: number, more: Partial<HttpRequest>) =>
      request(port, { url: `https://127.0.0.1:${port}/`, ...more });

    test("with its root it is trusted by address and by name", async () => {
      const port = await secure(good);
      expect((await get(port, { ca: root })).text).toBe(`127.0.0.1:${port}`);
      expect((await get(port, { ca: root, hostname: "chat.test" })).text).toBe(`chat.test:${port}`);
    });

    test("another name, another root, no root: refused with the reason", async () => {
      const port = await secure(good);
      for (const [more, reason] of [
        [{ ca: root, hostname: "wiki.test" }, "its certificate is for another name"],
        [{ ca: foreign, hostname: "chat.test" }, "certificate"],
        [{ hostname: "chat.test" }, "its certificate is not from a trusted authority"],
      ] as const) {
        const error = await failure(get(port, more));
        expect(error).toBeInstanceOf(TransportError);
        expect((error as Error).message).toContain(reason);
      }
    });

    test("where the protocol says so, any certificate will do", async () => {
      expect((await get(await secure(expired), { insecure: true })).status).toBe(200);
    });
  });

  test("failures say what was being done, without the query", async () => {
    const port = await freePort();
    const error = await failure(request(port, { url: `http://127.0.0.1:${port}/api?token=poison` }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as TransportError).target).toBe(`http://127.0.0.1:${port}`);
    expect((error as Error).message).toBe(`GET http://127.0.0.1:${port}/api failed: connection refused`);
  });

  test.each([
    ["silence", (() => {}) as RequestListener],
    ["half an answer", ((_, outgoing) => outgoing.write("half")) as RequestListener],
  ])("%s ends with the time", async (_, listener) => {
    const error = await failure(request(await serve(listener), { timeoutMs: 200 }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toContain("no answer within 0.2 s");
  });

  test("an answer that breaks off is an error", async () => {
    const port = await serve((_, outgoing) => {
      outgoing.writeHead(200, { "content-length": "100" });
      outgoing.write("half", () => outgoing.destroy());
    });
    expect(await failure(request(port))).toBeInstanceOf(TransportError);
  });

  test("an endless answer is cut off", async () => {
    const port = await serve((_, outgoing) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        while (!outgoing.destroyed && outgoing.write(chunk));
      };
      outgoing.on("drain", more);
      more();
    });
    const error = await failure(request(port));
    expect((error as Error).message).toContain("longer than 16 MiB");
  });

  test("the end cuts requests off, and nothing starts afterwards", async () => {
    const port = await serve(() => {});
    const controller = new AbortController();
    const network = createNetwork({ signal: controller.signal });
    const pending = failure(request(port, {}, network));
    setTimeout(() => controller.abort(), 50);
    expect(await pending).toBeInstanceOf(InterruptedError);
    expect(await failure(request(port, {}, network))).toBeInstanceOf(InterruptedError);
    const closed = createNetwork();
    await closed.close();
    expect(await failure(closed.connect("127.0.0.1", port))).toBeInstanceOf(InterruptedError);
  });
});
