/** What leaves for each kind of target, over real HTTP: text that nobody's markup takes for more, and failures that say why. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { selfSigned } from "../../lab/self-signed.ts";
import { requestOutside } from "../../src/hosts/outside.ts";
import { type Notice, type NoticeTarget, noticeEvents } from "../../src/notice.ts";
import { deliver, type Outlet } from "../../src/notices/deliver.ts";
import { type Mail, mailOf } from "../../src/notices/requests.ts";
import { Secret } from "../../src/secret.ts";
import { firstUnseen } from "../../src/unseen.ts";
import { openReceiver, type Receiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await openReceiver({ "retry-after": "0" });
});
afterEach(() => receiver.close());

const mails: Mail[] = [];
const outlet: Outlet = {
  request: (request) => requestOutside(request, []),
  mail: async (mail) => {
    mails.push(mail);
  },
};

const hostile =
  "@everyone <!channel> <@U1> **bold** [x](http://evil.example) ```\n`code`\r\nBcc: a@b \u202e<b>&amp;\u0007";

const notice: Notice = {
  id: "2026-11-28T03:00:00.000Z",
  atMs: Date.UTC(2026, 10, 28, 3),
  site: "example.net",
  command: "unattended verify",
  news: [
    {
      event: "failed",
      subject: "stacks",
      verb: "fails a check",
      reason: hostile,
      hint: "`docker ps` shows it",
      from: { file: "stacks/wiki/docker-compose.yml", line: 12, column: 5 },
    },
  ],
};

const target = (more: Partial<NoticeTarget> & Pick<NoticeTarget, "type">): NoticeTarget => ({
  name: more.type,
  to: [],
  events: noticeEvents,
  from: { file: "etc/a.json", line: 1, column: 1 },
  ...more,
});

const at = (path: string): Secret => new Secret(`${receiver.url}${path}`);

/** What one target was sent, as JSON. */
async function sent(to: NoticeTarget, what = notice): Promise<Record<string, unknown>> {
  const [delivery] = await deliver([{ target: to, notice: what }], outlet);
  expect(delivery?.failure).toBeUndefined();
  return JSON.parse(receiver.received.at(-1)?.body ?? "") as Record<string, unknown>;
}

describe("each kind of target", () => {
  test("ntfy gets JSON at its root, with the topic and a priority", async () => {
    const body = await sent(
      target({ type: "ntfy", url: at("/"), topic: new Secret("alerts"), token: new Secret("tk_1") }),
    );
    const [request] = receiver.received;
    expect(request?.path).toBe("/");
    expect(request?.headers.authorization).toBe("Bearer tk_1");
    expect(body).toMatchObject({ topic: "alerts", title: "example.net: stacks fails a check", priority: 4 });
    expect(body).not.toHaveProperty("markdown");
    expect(body.message).toContain(
      "  declared in stacks/wiki/docker-compose.yml:12\n  `docker ps` shows it\n",
    );
    expect(body.message).toMatch(/\n\nphoenix unattended verify, 2026-11-28 03:00 UTC$/);
  });

  test("gotify gets plain text with its key", async () => {
    const body = await sent(target({ type: "gotify", url: at("/push/"), token: new Secret("A1b2") }));
    expect(receiver.received[0]?.path).toBe("/push/message");
    expect(receiver.received[0]?.headers["x-gotify-key"]).toBe("A1b2");
    expect(Object.keys(body).sort()).toEqual(["message", "priority", "title"]);
  });

  test("discord gets a block of code that nothing leaves, and nobody is mentioned", async () => {
    const body = await sent(target({ type: "discord", url: at("/api/webhooks/1/x") }));
    const content = String(body.content);
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(content.match(/```/g)).toHaveLength(2);
    expect(content).not.toMatch(/@everyone|@U1/);
    expect(content.length).toBeLessThanOrEqual(2_000);
  });

  test("slack gets no control sequence of its own", async () => {
    const body = await sent(target({ type: "slack", url: at("/services/T/B/x") }));
    const text = String(body.text);
    expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)|@everyone/);
    expect(text.match(/```/g)).toHaveLength(2);
  });

  test("a webhook gets the facts, and may drop what comes twice by the id", async () => {
    const body = await sent(target({ type: "webhook", url: at("/hook?key=1"), token: new Secret("t0ken") }));
    expect(receiver.received[0]?.path).toBe("/hook?key=1");
    expect(body).toMatchObject({
      format: "phoenix.notice/1",
      id: notice.id,
      time: notice.id,
      site: "example.net",
      news: [{ event: "failed", subject: "stacks", from: { line: 12 } }],
    });
  });

  test("mail has a header that no text gets into, and is read back as it was", () => {
    const hostileTitle = { ...notice, site: "exämple\r\nBcc: x@example.com\r\n.net" };
    const { text, to } = mailOf(
      target({ type: "mail", to: ["root"], sender: "p@example.net" }),
      hostileTitle,
    );
    expect(to).toEqual(["root"]);
    const [head = "", body = ""] = text.split("\n\n");
    expect(head.split("\n").map((line) => line.split(":")[0]?.trim())).not.toContain("Bcc");
    for (const line of head.split("\n")) {
      expect(line).toMatch(/^[ -~]*$/);
      expect(line.length).toBeLessThanOrEqual(78);
    }
    expect(head).toContain("Auto-Submitted: auto-generated");
    expect(Buffer.from(body, "base64").toString()).toContain("phoenix unattended verify, 2026-11-28");
  });
});

test("text from outside is on one line and shows what nobody sees", async () => {
  const body = await sent(target({ type: "webhook", url: at("/") }));
  expect(firstUnseen(String(body.text).replaceAll("\n", " "))).toBeUndefined();
  expect(String(body.text).split("\n")[0]).toContain("\\n`code`");
});

test("a long notice is cut to what its targets take", async () => {
  const [news] = notice.news;
  const long = { ...notice, news: Array(200).fill({ ...news, reason: "ä".repeat(5_000) }) };
  expect(
    Buffer.byteLength(String((await sent(target({ type: "ntfy", url: at("/") }), long)).message)),
  ).toBeLessThan(4_096);
  expect(
    String((await sent(target({ type: "discord", url: at("/") }), long)).content).length,
  ).toBeLessThanOrEqual(2_000);
  const body = await sent(target({ type: "webhook", url: at("/") }), long);
  expect(body.title).toBe(
    "example.net: stacks fails a check, stacks fails a check, stacks fails a check, and 197 more",
  );
  expect(String(body.text)).toContain("\nand 190 more\n");
});

describe("what does not arrive", () => {
  test.each([
    [401, "it answers 401: check its token"],
    [404, "it answers 404: check its URL"],
    [301, "it answers 301: its URL has moved"],
    [500, "it answers 500"],
  ])("%i says why, without the URL", async (status, failure) => {
    receiver.answer(status);
    const hook = target({ type: "webhook", url: at("/s3cret") });
    const [delivery] = await deliver([{ target: hook, notice }], outlet);
    expect(delivery).toMatchObject({ failure, status });
    expect(receiver.received).toHaveLength(1);
  });

  test("a server that wants fewer requests is asked again when it says, once", async () => {
    receiver.answer(429);
    const hook = target({ type: "webhook", url: at("/") });
    expect((await deliver([{ target: hook, notice }], outlet))[0]?.failure).toBeUndefined();
    receiver.answer(429, 429);
    expect((await deliver([{ target: hook, notice }], outlet))[0]?.failure).toBe(
      "it answers 429: it wants fewer requests",
    );
    expect(receiver.received).toHaveLength(4);
  });

  test("one that never answers costs no more than its share, and nobody else anything", async () => {
    receiver.answer("hang");
    const slow = target({ type: "webhook", name: "slow", url: at("/") });
    const nobody = target({ type: "webhook", name: "nobody", url: new Secret("http://127.0.0.1:1/x") });
    const mail = target({ type: "mail", to: ["root"] });
    const started = performance.now();
    const deliveries = await deliver(
      [slow, slow, nobody, mail].map((to) => ({ target: to, notice: { ...notice } })),
      outlet,
      300,
    );
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(deliveries.map(({ failure }) => failure)).toEqual([
      "no answer within 0.3 s",
      "the time for notices was up",
      "connection refused",
      undefined,
    ]);
  });

  test("a certificate that nobody vouches for is refused, unless the site's own CA does", async () => {
    const { cert, key } = await selfSigned(["localhost"]);
    const server = createServer({ cert, key }, (_, response) => response.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = new Secret(`https://localhost:${(server.address() as AddressInfo).port}/`);
      const hook = target({ type: "webhook", url });
      const [refused] = await deliver([{ target: hook, notice }], outlet);
      expect(refused?.failure).toMatch(/certificate is (?:self-signed|not from a trusted authority)/);
      const trusting: Outlet = { ...outlet, request: (request) => requestOutside(request, [cert]) };
      const [accepted] = await deliver([{ target: hook, notice }], trusting);
      expect(accepted?.failure).toBeUndefined();
    } finally {
      server.close();
    }
  });
});
