/** The dashboard's server on loopback: who gets something, what browsers are told, and what slow or many clients may do. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DashboardServer, startServer } from "../../src/dashboard/server.ts";
import { sampleDocument } from "./sample.ts";

let server: DashboardServer;
let port: number;
let token: string;

beforeAll(async () => {
  server = await startServer({
    assets: { script: "say('é')", style: "p{}" },
    address: "127.0.0.1",
    port: 0,
    names: ["localhost", "127.0.0.1", "[::1]"],
  });
  server.show(sampleDocument());
  const url = new URL(server.url);
  port = Number(url.port);
  token = url.searchParams.get("token") ?? "";
});
afterAll(() => server.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    sent.on("error", reject).end();
  });
}

const bearer = () => ({ authorization: `Bearer ${token}` });

test.each([
  "/",
  "/data.json",
  "/events",
  "/page.js",
  "/../etc/passwd",
  "/?token=",
  "/?token=wrong",
  "/?token[]=x",
])("%s without the token is 401, and says nothing", async (path) => {
  const { status, text, headers } = await ask(path);
  expect(status).toBe(401);
  expect(text).not.toContain("phoenix.dashboard");
  expect(headers["set-cookie"]).toBeUndefined();
});

test("a wrong token, cookie or header is 401", async () => {
  const almost = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  expect((await ask(`/?token=${almost}`)).status).toBe(401);
  expect((await ask("/", { authorization: `Bearer ${almost}` })).status).toBe(401);
  expect((await ask("/", { cookie: `phoenix-${port}=${token}` })).status).toBe(401);
});

test("the token is exchanged for a cookie that scripts and other sites do not get", async () => {
  const { status, headers } = await ask(`/?token=${token}`);
  const cookie = headers["set-cookie"]?.[0] ?? "";
  expect(status).toBe(200);
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(cookie).not.toContain(token);
  const data = await ask("/data.json", { cookie: `a=b; ${cookie.split(";", 1)[0]}` });
  expect(JSON.parse(data.text)).toEqual(sampleDocument());
});

test("a request by a foreign name is refused, even with the token: names can be turned to this address", async () => {
  expect((await ask("/", { ...bearer(), host: `evil.example:${port}` })).status).toBe(421);
  // A tunnel from another port of one's own machine is fine.
  expect((await ask("/", { ...bearer(), host: "localhost:9000" })).status).toBe(200);
  expect((await ask("/", { ...bearer(), host: `[::1]:${port}` })).status).toBe(200);
});

test("every answer tells browsers to load nothing else, and is framed nowhere", async () => {
  for (const path of ["/", "/data.json", "/nothing"])
    expect((await ask(path, bearer())).headers).toMatchObject({
      "content-security-policy": expect.stringMatching(
        /^default-src 'none'; (?!.*unsafe)(?=.*script-src 'self')(?=.*frame-ancestors 'none')/,
      ),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
});

test("the page has no script and style of its own, and names files that are there", async () => {
  const { text } = await ask("/", bearer());
  expect(text).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/);
  const names = [...text.matchAll(/(?:src|href)="(page-[^"]+)"/g)].map(([, name]) => name);
  expect(names).toHaveLength(2);
  for (const name of names) expect((await ask(`/${name}`, bearer())).status).toBe(200);
});

test("nothing is changed by it: other methods are refused", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    expect((await ask("/data.json", bearer(), method)).status).toBe(405);
  expect(await ask("/data.json", bearer(), "HEAD")).toMatchObject({ status: 200, text: "" });
  expect((await ask("/nothing", bearer())).status).toBe(404);
});

test("open pages hear of a run and of a new look; the one too many is turned away", async () => {
  const pages: string[] = [];
  const open = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest({ host: "127.0.0.1", port, path: "/events", headers: bearer() }, resolve);
      sent.on("error", reject).end();
    });
  const opened = await Promise.all(Array.from({ length: 65 }, open));
  const statuses = opened.map(({ statusCode }) => statusCode).sort();
  expect(statuses.filter((status) => status === 200)).toHaveLength(64);
  expect(statuses.at(-1)).toBe(503);
  expect(server.pages).toBe(64);
  const first = opened.find(({ statusCode }) => statusCode === 200);
  first?.setEncoding("utf8").on("data", (text) => pages.push(text));
  const { live } = sampleDocument();
  server.showLive(live);
  server.show(sampleDocument());
  await expect.poll(() => pages.join("")).toContain(`event: live\ndata: ${JSON.stringify(live)}\n\n`);
  await expect.poll(() => pages.join("")).toContain("event: page\n");
  for (const page of opened) page.destroy();
  await expect.poll(() => server.pages).toBe(0);
});
